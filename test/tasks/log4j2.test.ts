import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FileState } from '../../src/probes/file.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import { patchLog4j2 } from '../../src/tasks/log4j2/patch.ts';
import { log4j2Task } from '../../src/tasks/log4j2.ts';
import { context, directoryState, fileOf, fileState } from './context.ts';

const PATH = '/opt/james/conf/log4j2.xml';
const LOG = '/opt/james/log/james.log';
const SOURCE = '<Configuration monitorInterval="30"><Appenders/><Loggers/></Configuration>\n';
const file = (text: string, over: Partial<FileState> = {}) =>
  present(
    fileState({
      realPath: '/srv/james/conf/log4j2.xml',
      mode: '0640',
      owner: 'james',
      sha256: createHash('sha256').update(text).digest('hex'),
      content: Buffer.from(text),
      ...over,
    }),
  );
const LOGS = present(directoryState({ owner: 'james', group: 'james' }));
const plan = (seen: Observed<FileState>, over: object = {}, logs: Observed<FileState> = LOGS) =>
  log4j2Task.plan({ path: PATH, log: LOG, ...over }, { file: seen, logs }, context());

function patched(wanted = { log: LOG, size: '10 MB', keep: 9 }): string {
  const patch = patchLog4j2(Buffer.from(SOURCE), wanted);
  if (patch.state !== 'patched') throw new Error(patch.reason);
  return patch.content.toString();
}

describe('log4j2', () => {
  it('patches the file where it really is, and keeps its attributes', () => {
    const verdict = plan(file(SOURCE));
    expect(verdict).toMatchObject({ verdict: 'change', reason: `it does not write ${LOG} as wanted` });
    const change = fileOf(verdict);
    expect(change.content.toString()).toBe(patched());
    expect(change).toMatchObject({ path: '/srv/james/conf/log4j2.xml', before: { state: 'file' } });
    expect([change.mode, change.owner, change.group]).toEqual([undefined, undefined, undefined]);
  });

  it('has nothing to do a second time', () =>
    expect(plan(file(patched()))).toEqual({
      verdict: 'ok',
      reason: `it writes ${LOG} as wanted already`,
      notes: [],
    }));

  it('has something to do for other values', () => {
    const other = { size: '5 MB', keep: 3 };
    const text = fileOf(plan(file(patched()), other)).content.toString();
    expect(text).toBe(patched({ log: LOG, ...other }));
    expect(text).toMatch(/size="5 MB".*max="3"/s);
  });

  it.each<[string, Partial<FileState>, string]>([
    ['to root alone', { owner: 'root', mode: '0600' }, 'owner is root, wanted james'],
    ['to nobody', { mode: '0000' }, 'mode is 0000, wanted 0400'],
    ['to everybody', { mode: '0666' }, 'mode is 0666, wanted 0664'],
  ])('opens to James, and closes to others, what was given %s', (_, over, reason) => {
    expect(plan(file(patched(), over))).toMatchObject({ verdict: 'change', reason });
    expect(plan(file(SOURCE, over))).toMatchObject({
      verdict: 'change',
      reason: `it does not write ${LOG} as wanted, ${reason}`,
    });
  });

  it.each<[string, Partial<FileState>]>([
    ['its group', { owner: 'root', group: 'james', mode: '0640' }],
    ['the mode for all', { owner: 'root', mode: '0644' }],
  ])('asks no more where James reads it by %s', (_, over) =>
    expect(plan(file(patched(), over))).toMatchObject({ verdict: 'ok' }),
  );

  it('asks nothing of who may read it where the log’s folder is not there', () =>
    expect(plan(file(patched(), { mode: '0000' }), {}, absent)).toMatchObject({ verdict: 'ok' }));

  it.each<[string, Observed<FileState>, object]>([
    [
      'is missing',
      absent,
      { verdict: 'blocked', reason: `James is not installed here: ${PATH} does not exist` },
    ],
    [
      'cannot be seen',
      unreadable('EIO'),
      { verdict: 'failed', reason: `${PATH} could not be looked at: EIO` },
    ],
    [
      'is a directory',
      present(directoryState()),
      { verdict: 'blocked', reason: `${PATH} exists, but is not a regular file; it was left alone` },
    ],
    [
      'is too large',
      present(fileState({ size: 99_999_999 })),
      { verdict: 'blocked', reason: `${PATH} has 99999999 bytes, too many to patch; it was left alone` },
    ],
    [
      'is unclear',
      file('<Configuration>\n  <Appenders>\n'),
      {
        verdict: 'blocked',
        reason: expect.stringMatching(
          /^\/opt\/james\/conf\/log4j2\.xml:2:14 the file is not well-formed XML .*; it was left alone$/,
        ),
      },
    ],
  ])('that %s', (_, seen, verdict) => expect(plan(seen)).toEqual(verdict));
});
