import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FileState } from '../../src/probes/file.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import { fileTask } from '../../src/tasks/file.ts';
import { context, directoryState, fileState } from './context.ts';

const sum = (text: string) => createHash('sha256').update(text).digest('hex');
const parent = present(directoryState());
const model = present(directoryState({ owner: 'james', group: 'mail' }));
const path = '/etc/x';

type Case = [
  name: string,
  params: Parameters<typeof fileTask.plan>[0],
  file: Observed<FileState>,
  verdict: object,
  parent?: Observed<FileState>,
];

describe('file', () => {
  it.each<Case>([
    [
      'as wanted',
      { path, content: 'new' },
      present(fileState({ sha256: sum('new') })),
      { verdict: 'ok', reason: 'it has that content already' },
    ],
    [
      'missing',
      { path, content: 'new', mode: '0600' },
      absent,
      {
        verdict: 'change',
        reason: 'it does not exist',
        changes: [
          {
            kind: 'write-file',
            path,
            before: { state: 'absent' },
            content: Buffer.from('new'),
            mode: '0600',
          },
        ],
      },
    ],
    [
      'with other content, by the path its symlink leads to',
      { path, content: 'new' },
      present(fileState({ realPath: '/srv/x', sha256: sum('old'), content: Buffer.from('old') })),
      {
        verdict: 'change',
        reason: 'its content differs',
        changes: [
          {
            kind: 'write-file',
            path: '/srv/x',
            before: { state: 'file', sha256: sum('old'), content: Buffer.from('old') },
            content: Buffer.from('new'),
          },
        ],
      },
    ],
    [
      'with another mode and owner only',
      { path, content: 'new', mode: '0600', owner: 'james' },
      present(fileState({ sha256: sum('new') })),
      {
        verdict: 'change',
        reason: 'mode is 0644, wanted 0600, owner is root, wanted james',
        changes: [
          {
            kind: 'set-attributes',
            path,
            mode: '0600',
            owner: 'james',
            summary: 'mode is 0644, wanted 0600, owner is root, wanted james',
          },
        ],
      },
    ],
    [
      'whose content is none of ours',
      { path },
      present(fileState({ sha256: sum('log') })),
      { verdict: 'ok', reason: 'it exists as wanted' },
    ],
    [
      'with the owner of another',
      { path, owner_from: '/opt/log' },
      absent,
      {
        verdict: 'change',
        reason: 'it does not exist',
        changes: [
          {
            kind: 'write-file',
            path,
            before: { state: 'absent' },
            content: Buffer.alloc(0),
            owner: 'james',
            group: 'mail',
          },
        ],
      },
    ],
    [
      'in a directory that is missing',
      { path },
      absent,
      { verdict: 'needs', key: 'file:/etc', reason: '/etc does not exist' },
      absent,
    ],
    [
      'below a file',
      { path },
      absent,
      { verdict: 'blocked', reason: '/etc exists, but is not a directory; it was left alone' },
      present(fileState()),
    ],
    [
      'that is a directory',
      { path },
      present(directoryState()),
      { verdict: 'blocked', reason: '/etc/x exists, but is not a regular file; it was left alone' },
    ],
    [
      'that cannot be read',
      { path },
      unreadable('I/O error'),
      { verdict: 'failed', reason: '/etc/x could not be looked at: I/O error' },
    ],
  ])('a file %s', (_, params, file, verdict, directory = parent) => {
    expect(fileTask.plan(params, { file, parent: directory, model, accounts: [] }, context())).toEqual(
      verdict,
    );
  });

  it('is written into a directory that an earlier task makes', () => {
    const verdict = fileTask.plan(
      { path },
      { file: absent, parent: absent, model: absent, accounts: [] },
      context({ promises: ['file:/etc'] }),
    );
    expect(verdict).toMatchObject({ verdict: 'change' });
  });

  it('takes its bytes from beside the playbook', () => {
    const local = new Map([['motd', Buffer.from('hi')]]);
    const verdict = fileTask.plan(
      { path, source: 'motd' },
      { file: absent, parent, model, accounts: [] },
      context({ local }),
    );
    expect(verdict).toMatchObject({ changes: [{ content: Buffer.from('hi') }] });
  });

  it('does not let a secret travel or be shown', () => {
    const { file } = fileTask.questions(
      { path, content: 'x', sensitive: true },
      { prove: false, local: new Map() },
    );
    expect(file.arg).toEqual({ path, content: 'never' });
    const verdict = fileTask.plan(
      { path, content: 'x', sensitive: true },
      { file: absent, parent, model, accounts: [] },
      context(),
    );
    expect(verdict).toMatchObject({ changes: [{ sensitive: true }] });
  });

  it.each<[string, object, string, boolean]>([
    ['by everybody', {}, '0644', true],
    ['by everybody, with that content already', { content: 'old' }, '0604', true],
    ['by a group', {}, '0640', false],
    ['by everybody, as the playbook wants it', { mode: '0644' }, '0644', false],
    ['by everybody, and is no secret', { sensitive: false }, '0644', false],
  ])('says that a secret can be read %s', (_, over, mode, told) => {
    const file = present(fileState({ sha256: sum('old'), mode }));
    const params = { path, content: 'new', sensitive: true, ...over };
    const { notes } = fileTask.plan(params, { file, parent, model, accounts: [] }, context());
    expect(notes).toEqual(
      told
        ? [
            `/etc/x is sensitive, yet everybody on the host may read it (mode ${mode}), and a file that is there keeps its mode: set one, such as mode: "0600"`,
          ]
        : undefined,
    );
  });

  it.each<[number, string, string[] | undefined]>([
    [1, 'new', ['the file has another name (hard links), which keeps the old content']],
    [2, 'new', ['the file has 2 other names (hard links), which keep the old content']],
    // nothing is replaced
    [2, 'old', undefined],
  ])('says what becomes of %i other names where the content is to be %s', (otherNames, content, told) => {
    const file = present(fileState({ sha256: sum('old'), otherNames }));
    const { notes } = fileTask.plan({ path, content }, { file, parent, model, accounts: [] }, context());
    expect(notes).toEqual(told);
  });

  it.each([
    [{ path, content: 'a', source: 'b' }, 'only one of content, source and template can be given'],
    [{ path, owner: 'a', owner_from: '/b' }, 'owner_from stands in place of owner and group'],
  ])('refuses %j', (params, problem) => {
    expect(fileTask.check?.(params).map(([, text]) => text)).toEqual([problem]);
  });
});
