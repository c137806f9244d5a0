import { describe, expect, it } from 'vitest';
import type { FileState } from '../../../src/probes/file.ts';
import type { Before, FileOrigin } from '../../../src/probes/origin.ts';
import { absent, type Observed, present, unreadable } from '../../../src/probes/probe.ts';
import { restore } from '../../../src/tasks/common/restore.ts';
import { sha256 } from '../../../src/tasks/common/write.ts';
import { fileOf, fileState } from '../context.ts';

const PATH = '/etc/x';
const WAS = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n';
const WROTE = WAS.replace('two', 'TWO');

const holding = (text: string, over: Partial<FileState> = {}): Observed<FileState> => {
  const content = Buffer.from(text);
  return present(fileState({ content, size: content.length, sha256: sha256(content), ...over }));
};
const stoodThere = (text: string): Before => ({
  state: 'file',
  content: Buffer.from(text),
  mode: '0600',
  owner: 'james',
  group: 'james',
});
const origin = (was: Before, written?: string): Observed<FileOrigin> =>
  present({ before: was, ...(written === undefined ? {} : { written: Buffer.from(written) }) });

const decide = (file: Observed<FileState>, from: Observed<FileOrigin>, ours: string[] = []) =>
  restore({ path: PATH, file, origin: from, ours: ours.map((text) => Buffer.from(text)) });

describe('giving a file back', () => {
  it.each([
    ['that is gone', absent, origin(stoodThere(WAS), WROTE), 'it is not there'],
    ['that harden never touched', holding(WROTE), absent, 'harden neither made nor changed it: it stays'],
    [
      'that is as it was',
      holding(WAS, { mode: '0600', owner: 'james', group: 'james' }),
      origin(stoodThere(WAS), WROTE),
      'it is as it was before harden',
    ],
  ])('leaves one %s', (_, file, from, reason) =>
    expect(decide(file, from)).toEqual({ verdict: 'ok', reason }),
  );

  it('takes away what it made, if nobody has changed it since', () => {
    expect(decide(holding(WROTE), origin({ state: 'absent' }, WROTE))).toMatchObject({
      verdict: 'change',
      changes: [{ kind: 'remove-file', path: PATH, sha256: sha256(Buffer.from(WROTE)) }],
    });
    // of releases that did not keep what they wrote
    expect(decide(holding(WROTE), origin({ state: 'absent' }), [WROTE])).toMatchObject({ verdict: 'change' });
  });

  it('brings back bytes, mode and owner', () => {
    const file = fileOf(decide(holding(WROTE), origin(stoodThere(WAS), WROTE)));
    expect(file).toMatchObject({ mode: '0600', owner: 'james', group: 'james', restores: true });
    expect(file.content.toString()).toBe(WAS);
  });

  it('keeps what others changed elsewhere in it', () => {
    const file = fileOf(decide(holding(WROTE.replace('eight', 'EIGHT')), origin(stoodThere(WAS), WROTE)));
    expect(file.content.toString()).toBe(WAS.replace('eight', 'EIGHT'));
  });

  it('gives only owner and mode back where it changed nothing else', () => {
    const was: Before = { state: 'attributes', mode: '0600', owner: 'james', group: 'james' };
    expect(decide(holding(WAS), origin(was))).toMatchObject({
      verdict: 'change',
      changes: [{ kind: 'set-attributes', mode: '0600', owner: 'james', group: 'james', restores: true }],
    });
  });

  it.each([
    [
      'somebody changed what it made',
      holding(`${WROTE}more\n`),
      origin({ state: 'absent' }, WROTE),
      /changed by others/,
    ],
    [
      'others changed the same lines',
      holding(WROTE.replace('TWO', 'deux')),
      origin(stoodThere(WAS), WROTE),
      /changed by others where harden had changed it/,
    ],
    ['nobody knows what it was', holding(WROTE), unreadable('its earlier content was not kept'), /not kept/],
    [
      'it is a directory now',
      holding(WAS, { kind: 'directory' }),
      origin(stoodThere(WAS), WROTE),
      /regular file/,
    ],
    [
      'it is too large',
      present(fileState({ size: 9e9, sha256: 'bb' })),
      origin(stoodThere(WAS), WROTE),
      /too large to be given back/,
    ],
  ])('is refused where %s', (_, file, from, words) => {
    const verdict = decide(file, from);
    expect(verdict.verdict).toMatch(/blocked|failed/);
    expect('reason' in verdict && verdict.reason).toMatch(words);
  });
});
