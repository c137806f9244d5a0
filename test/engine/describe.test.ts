import { expect, describe as group, it } from 'vitest';
import { describe } from '../../src/engine/describe.ts';
import type { Change, WriteFile } from '../../src/tasks/change.ts';

const write = (over: Partial<WriteFile>): WriteFile => ({
  kind: 'write-file',
  path: '/etc/x',
  content: Buffer.from('a\nb\n'),
  before: { state: 'absent' },
  ...over,
});
const before = (content: Buffer | undefined): WriteFile['before'] => ({
  state: 'file',
  sha256: '',
  ...(content ? { content } : {}),
});

group('a change as it is told', () => {
  it('of a new file has all of it', () =>
    expect(describe(write({}))).toEqual({
      kind: 'file',
      path: '/etc/x',
      summary: 'write /etc/x',
      diff: '--- /dev/null\n+++ /etc/x\n@@ -0,0 +1,2 @@\n+a\n+b',
    }));

  it('of a file has what differs', () =>
    expect(describe(write({ before: before(Buffer.from('a\nc\n')) })).diff).toBe(
      '--- /etc/x\n+++ /etc/x\n@@ -1,2 +1,2 @@\n a\n-c\n+b',
    ));

  it.each<[string, Partial<WriteFile>]>([
    ['secret', { sensitive: true }],
    ['secret and there', { sensitive: true, before: before(Buffer.from('old')) }],
    ['unknown before', { before: before(undefined) }],
  ])('of a file that is %s shows nothing of it', (_, over) =>
    expect(describe(write(over))).toEqual({ kind: 'file', path: '/etc/x', summary: 'write /etc/x' }),
  );

  it.each<Change>([
    { kind: 'remove-file', path: '/etc/x', sha256: '', content: Buffer.from('old'), sensitive: true },
    {
      kind: 'restore-file',
      path: '/etc/x',
      before: before(Buffer.from('old')),
      copy: '/c',
      content: Buffer.from('new'),
      sensitive: true,
    },
  ])('of a secret that is taken away or put back shows nothing of it: $kind', (change) =>
    expect(describe(change)).not.toHaveProperty('diff'),
  );

  it('of bytes that are no text shows none', () => {
    const diff = describe(
      write({ content: Buffer.from([0, 27, 91]), before: before(Buffer.from([0])) }),
    ).diff;
    expect(diff).toContain('-(binary, 1 bytes)\n+(binary, 3 bytes)');
  });

  it('that is long is cut, and says so', () => {
    const content = Buffer.from(Array.from({ length: 1000 }, (_, index) => `${index}\n`).join(''));
    const lines = describe(write({ content })).diff!.split('\n');
    expect(lines).toHaveLength(401);
    expect(lines.at(-1)).toBe('… 603 more lines');
  });

  it('that differs in too much is not compared line by line', () => {
    const text = (word: string) => Buffer.from(`${word}\n`.repeat(20_000));
    expect(describe(write({ content: text('a'), before: before(text('b')) })).diff).toBe(
      '(too much differs to be shown: 20000 lines before, 20000 after)',
    );
  });

  it.each<[Change, object]>([
    [
      { kind: 'set-attributes', path: '/x', mode: '0600', summary: 'mode is 0644, wanted 0600' },
      { kind: 'attributes', path: '/x', summary: '/x: mode is 0644, wanted 0600' },
    ],
    [
      { kind: 'make-directory', path: '/x' },
      { kind: 'directory', path: '/x', summary: 'make /x' },
    ],
    [
      { kind: 'install-packages', names: ['a', 'b'] },
      { kind: 'packages', summary: 'install a b' },
    ],
    [
      { kind: 'control-unit', unit: 'x.service', action: 'enable' },
      { kind: 'unit', summary: 'enable x.service' },
    ],
    [
      { kind: 'run-command', command: 'true' },
      { kind: 'command', summary: 'run true' },
    ],
    [
      { kind: 'sync-fail2ban', jails: [], filters: [], restart: [] },
      { kind: 'fail2ban', summary: 'let fail2ban take over its files' },
    ],
    [
      {
        kind: 'load-rules',
        family: 'ipv6',
        chain: 'C',
        batch: '',
        replaces: [],
        undo: '',
        undoReplaced: '',
        before: ['-A C -j DROP'],
        after: ['-A INPUT -j C'],
        lists: [],
      },
      {
        kind: 'rules',
        summary: 'load the IPv6 rules',
        diff: '--- ipv6 rules\n+++ ipv6 rules\n@@ -1,1 +1,1 @@\n--A C -j DROP\n+-A INPUT -j C',
      },
    ],
  ])('%j', (change, told) => expect(describe(change)).toEqual(told));
});
