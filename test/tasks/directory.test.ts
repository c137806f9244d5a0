import { describe, expect, it } from 'vitest';
import type { FileState } from '../../src/probes/file.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import { directoryTask } from '../../src/tasks/directory.ts';
import { context, directoryState, fileState } from './context.ts';

const there = present(directoryState({ realPath: '/srv/d' }));

describe('directory', () => {
  it.each<[string, Observed<FileState>, Observed<FileState>, object]>([
    ['there', there, there, { verdict: 'ok', reason: 'it exists as wanted' }],
    [
      'missing',
      absent,
      there,
      {
        verdict: 'change',
        reason: 'it does not exist',
        changes: [{ kind: 'make-directory', path: '/srv/d', mode: '0755' }],
      },
    ],
    [
      'missing with its parent',
      absent,
      absent,
      { verdict: 'needs', key: 'file:/srv', reason: '/srv does not exist' },
    ],
    [
      'below a file',
      absent,
      present(fileState()),
      { verdict: 'blocked', reason: '/srv exists, but is not a directory; it was left alone' },
    ],
    [
      'with another mode',
      present(directoryState({ realPath: '/srv/d', mode: '0777' })),
      there,
      {
        verdict: 'change',
        reason: 'mode is 0777, wanted 0755',
        changes: [
          { kind: 'set-attributes', path: '/srv/d', mode: '0755', summary: 'mode is 0777, wanted 0755' },
        ],
      },
    ],
    [
      'a file',
      present(fileState()),
      there,
      { verdict: 'blocked', reason: '/srv/d exists, but is not a directory; it was left alone' },
    ],
    [
      'unreadable',
      unreadable('no'),
      there,
      { verdict: 'failed', reason: '/srv/d could not be looked at: no' },
    ],
  ])('%s', (_, directory, parent, verdict) => {
    expect(
      directoryTask.plan({ path: '/srv/d', mode: '0755' }, { directory, parent, accounts: [] }, context()),
    ).toEqual(verdict);
  });

  it.each<[string, Observed<'known'>[], object]>([
    ['user', [absent, present('known')], { verdict: 'needs', key: 'user:bob' }],
    ['group', [present('known'), absent], { verdict: 'needs', key: 'group:mail' }],
    ['group', [present('known'), unreadable('no')], { verdict: 'failed' }],
    ['', [present('known'), present('known')], { verdict: 'change' }],
  ])('made over to a %s that is not there', (kind, accounts, verdict) => {
    const params = { path: '/srv/d', owner: 'bob', group: 'mail' };
    const found = directoryTask.plan(params, { directory: absent, parent: there, accounts }, context());
    expect(found).toMatchObject(verdict);
    expect(found.reason).toContain(kind);
  });
});
