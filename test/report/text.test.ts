import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logReport } from '../../src/report/log.ts';
import { painter } from '../../src/report/terminal.ts';
import { type Given, textReport } from '../../src/report/text.ts';
import { results } from './results.ts';

const plain = painter({ off: true, env: {}, isTerminal: false });
const options = {
  paint: plain,
  diff: false,
  quiet: false,
  verbose: false,
  given: { inventory: 'inventory.yaml', choices: [], variables: [] },
};
const golden = (name: string, code: number, kind = 'txt') =>
  join(import.meta.dirname, 'golden', `${name}.${code}.${kind}`);

const NONE = { changes: 0, undone: 0, tasks: [], removed: [], failed: [], unconfirmed: [] };
const RUN = {
  id: '01a2127b000000000000aaaa',
  began: '2026-11-25T11:35:00.000Z',
  who: 'ann@laptop',
  command: 'apply',
  state: 'done' as const,
  ...NONE,
};

const logged = {
  ...results['in-sync']!,
  command: 'log' as const,
  hosts: [
    {
      ...results['in-sync']!.hosts[0]!,
      tasks: [],
      runs: [
        {
          id: '01a21279b832032e690df011',
          began: '2026-11-25T11:31:36.000Z',
          who: 'ann@laptop',
          command: 'apply',
          state: 'done' as const,
          ...NONE,
          changes: 12,
          tasks: ['firewall.limits', 'fail2ban.sshd'],
        },
        {
          ...RUN,
          state: 'failed' as const,
          changes: 1,
          tasks: ['a'],
          failed: ['b'],
        },
        { ...RUN, state: 'rolled back' as const, changes: 3, undone: 2, tasks: ['a'], unconfirmed: ['door'] },
        {
          ...RUN,
          state: 'rolled back' as const,
          changes: 2,
          undone: 2,
          failed: ['door'],
          unconfirmed: ['door'],
        },
        { ...RUN, state: 'interrupted' as const, tasks: ['a.command'] },
        { ...RUN, changes: 9, tasks: ['a', 'b', 'c'], removed: ['b', 'c'] },
        { ...RUN, state: 'cut off' as const },
        {
          id: '01a2127d647e78e1455c6dd2',
          began: '2026-11-25T11:40:00.000Z',
          who: 'bob\u001b[2J@desk',
          command: 'rollback',
          state: 'cut off' as const,
          ...NONE,
          changes: 1,
        },
      ],
    },
    { ...results['in-sync']!.hosts[0]!, name: 'mail2', tasks: [], runs: [] },
    { ...results.unreachable!.hosts[0]!, name: 'mail3' },
  ],
};

it('the log of three hosts', async () =>
  await expect(logReport(logged, options)).toMatchFileSnapshot(golden('log', 3)));

/** Each golden file has the exit code in its name: `npx vitest -u` writes them anew. */
describe('text report', () => {
  it.each(Object.entries(results))('%s', async (name, result) => {
    const text = textReport(result, { ...options, diff: ['diff', 'rollback'].includes(result.command) });
    await expect(text).toMatchFileSnapshot(golden(name, result.exitCode));
  });

  it('says totals only when asked to be quiet', async () => {
    const result = results.drift!;
    await expect(textReport(result, { ...options, quiet: true })).toMatchFileSnapshot(
      golden('quiet', result.exitCode),
    );
  });

  it('calls what an interruption left not finished', () => {
    const text = textReport({ ...results.blocked!, exitCode: 130 }, { ...options, quiet: true });
    expect(text).toBe('1 host: 1 not finished\n');
  });

  it('uses colour for nothing that a sign or a word does not say, too', async () => {
    const paint = painter({ off: false, env: { FORCE_COLOR: '1' }, isTerminal: false });
    const result = results.diff!;
    const text = textReport(result, { ...options, paint, diff: true });
    expect(text.replace(/\u001b\[\d+m/g, '')).toBe(textReport(result, { ...options, diff: true }));
    expect(text).not.toBe(textReport(result, { ...options, diff: true }));
  });

  it.each<[string, Given, string]>([
    [
      'diff',
      { inventory: 'a b.yaml', choices: ['--tags', 'x,y'], variables: [] },
      "harden apply 'a b.yaml' --tags x,y",
    ],
    [
      'drift',
      { inventory: 'i.yaml', choices: [], variables: [], limit: 'mail*' },
      'harden apply i.yaml --limit mail1',
    ],
    [
      'diff',
      { inventory: 'i.yaml', choices: [], variables: [], limit: 'mail*' },
      "harden apply i.yaml --limit 'mail*'",
    ],
    ['changed', { inventory: 'i.yaml', choices: [], variables: [] }, 'harden check i.yaml'],
    [
      'diff',
      { inventory: 'i.yaml', choices: ['--task', 'a'], variables: ['b', 'c'] },
      'harden apply i.yaml --task a --var b --var c (the values as before)',
    ],
    ['rolled-back', { inventory: 'i.yaml', choices: [], variables: [] }, 'harden diff i.yaml'],
    [
      'rollback-dry-run',
      { inventory: 'i.yaml', choices: [], variables: [], run: '0123' },
      'harden rollback i.yaml --run 0123 --limit mail1',
    ],
    ['changed', { inventory: 'i.yaml', choices: [], variables: [], run: '0123' }, 'harden check i.yaml'],
    [
      'diff',
      { inventory: "it's\u001b[2J", choices: [], variables: [] },
      String.raw`harden apply 'it'\''s\u001b[2J'`,
    ],
  ])('names the next command after %s, as it was given: %j', (name, given, next) => {
    expect(
      textReport(results[name]!, { ...options, given })
        .trimEnd()
        .split('\n')
        .at(-1),
    ).toBe(`next: ${next}`);
  });

  it('names no next command where none is wanted', () => {
    const { given: _, ...without } = options;
    expect(textReport(results.drift!, without)).not.toContain('next:');
  });

  it('lets nothing from a host steer the terminal', () => {
    expect(textReport(results.hostile!, options)).not.toMatch(/[\u001b\r\u202e]/);
  });
});

describe('painter', () => {
  it.each([
    ['a terminal', { off: false, env: {}, isTerminal: true }, true],
    ['a pipe', { off: false, env: {}, isTerminal: false }, false],
    ['NO_COLOR', { off: false, env: { NO_COLOR: '1', FORCE_COLOR: '1' }, isTerminal: true }, false],
    ['--no-color', { off: true, env: {}, isTerminal: true }, false],
    ['a dumb terminal', { off: false, env: { TERM: 'dumb' }, isTerminal: true }, false],
    ['FORCE_COLOR', { off: false, env: { FORCE_COLOR: '1' }, isTerminal: false }, true],
  ])('%s', (_, choice, coloured) => {
    expect(painter(choice)('red', 'x') !== 'x').toBe(coloured);
  });
});
