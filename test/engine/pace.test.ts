import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterLook,
  afterSilence,
  current,
  type Memory,
  memoryOf,
  opening,
  sentence,
  waitFor,
  without,
} from '../../src/engine/pace.ts';
import type { SessionLimit } from '../../src/tasks/iptables/sessions.ts';

const NOW = 1_800_000_000_000;
const ago = (...seconds: number[]) => seconds.map((one) => NOW - one * 1000);
const FIVE: SessionLimit = { seconds: 60, sessions: 5 };
const looked = (...limits: SessionLimit[]) => ({ looked: { at: NOW - 1e6, limits } });

describe('waitFor', () => {
  it.each<[string, Memory, number, number | undefined]>([
    ['nothing is known', { opened: [] }, 1, undefined],
    ['nothing is limited', { opened: ago(5, 4, 3, 2, 1, 0), ...looked() }, 2, undefined],
    [
      'nothing is limited, and the host did not answer',
      { opened: ago(5), unanswered: NOW, ...looked() },
      1,
      undefined,
    ],
    ['one more passes', { opened: ago(50, 40, 30, 20), ...looked(FIVE) }, 1, undefined],
    ['one more passes, but not two', { opened: ago(50, 40, 30, 20), ...looked(FIVE) }, 2, 11],
    ['five have passed', { opened: ago(38, 30, 20, 10, 1), ...looked(FIVE) }, 1, 23],
    ['others are long ago', { opened: ago(100, 90, 80, 70, 1), ...looked(FIVE) }, 1, undefined],
    ['more have passed than would', { opened: ago(9, 8, 7, 6, 5, 4, 3), ...looked(FIVE) }, 1, 54],
    ['more are needed than ever pass', { opened: ago(3), ...looked({ seconds: 60, sessions: 1 }) }, 2, 58],
    ['the last try was dropped', { opened: ago(40), unanswered: NOW - 20_000, ...looked(FIVE) }, 1, 41],
    ['that was long ago', { opened: [], unanswered: NOW - 70_000, ...looked(FIVE) }, 1, undefined],
    [
      'the strictest of two decides',
      { opened: ago(3, 2, 1), ...looked(FIVE, { seconds: 10, sessions: 3 }) },
      1,
      8,
    ],
    ['nobody has looked: the playbook counts', { opened: ago(3, 2, 1) }, 1, 4],
  ])('%s', (_, memory, connections, seconds) => {
    const wait = waitFor(memory, [{ seconds: 6, sessions: 3 }], NOW, connections);
    // the last millisecond of a window counts as well
    expect(wait?.ms).toBe(seconds && seconds * 1000 + 1);
  });

  const limit = fc.record({
    seconds: fc.integer({ min: 1, max: 90 }),
    sessions: fc.integer({ min: 1, max: 8 }),
  });

  it('never lets more through than the kernel does, whenever runs begin and however late packets arrive', () =>
    fc.assert(
      fc.property(
        fc.array(limit, { minLength: 1, maxLength: 3 }),
        fc.array(
          fc.record({
            pause: fc.integer({ min: 0, max: 20_000 }),
            delay: fc.integer({ min: 0, max: 1000 }),
            connections: fc.constantFrom(1, 2),
          }),
          { maxLength: 60 },
        ),
        (limits, runs) => {
          let now = NOW;
          let memory: Memory = { opened: [], looked: { at: 1, limits } };
          const arrived: number[] = [];
          for (const { pause, delay, connections } of runs) {
            now += pause;
            memory = current(memoryOf(JSON.parse(JSON.stringify(memory))), now);
            now += waitFor(memory, [], now, connections)?.ms ?? 0;
            memory = opening(memory, now, connections);
            arrived.push(...Array<number>(connections).fill(now + delay));
          }
          arrived.sort((one, other) => one - other);
          for (const { seconds, sessions } of limits) {
            // more at once than ever pass is what no wait can help
            if (sessions < 2) continue;
            for (const [index, time] of arrived.entries()) {
              const before = arrived.slice(0, index).filter((one) => one >= time - seconds * 1000);
              expect(before.length).toBeLessThan(sessions);
            }
          }
        },
      ),
    ));

  it('never waits where nothing is limited, nor longer than the longest limit counts', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 * NOW }), { maxLength: 20 }),
        fc.option(fc.integer({ min: 1, max: 2 * NOW }), { nil: null }),
        fc.array(limit, { maxLength: 3 }),
        (opened, unanswered, limits) => {
          const memory = current(memoryOf({ opened, unanswered, looked: { at: 1, limits } }), NOW);
          const wait = waitFor(memory, [FIVE], NOW, 2);
          if (limits.length === 0) expect(wait).toBeUndefined();
          const longest = Math.max(0, ...limits.map(({ seconds }) => seconds));
          expect(wait?.ms ?? 0).toBeLessThanOrEqual(longest * 1000 + 1001);
        },
      ),
    ));
});

describe('what is remembered', () => {
  it.each([
    [undefined],
    [null],
    [7],
    ['x'],
    [[]],
    [{ opened: 'x', unanswered: '7', looked: 7 }],
    [{ opened: [null, -1, 0.5, '5', {}], unanswered: -1, looked: { at: 1, limits: [{ seconds: 60 }] } }],
    [{ looked: { at: 1, limits: {} } }],
  ])('is nothing of %j', (value) => expect(memoryOf(value)).toEqual({ opened: [] }));

  it('is bounded', () => {
    const { opened } = current(
      { opened: Array.from({ length: 1000 }, (_, index) => NOW - 1000 + index) },
      NOW,
    );
    expect(opened).toHaveLength(255);
    expect(opened.at(-1)).toBe(NOW - 1);
    expect(current({ opened: ago(100_000), unanswered: NOW - 1e8 }, NOW)).toEqual({ opened: [] });
  });

  it('gives back a connection that was reckoned with', () => {
    const memory = opening({ opened: ago(9) }, NOW, 2);
    expect(without(memory, NOW).opened).toEqual([...ago(9), NOW]);
    expect(without(memory, 5)).toBe(memory);
  });
});

describe('afterLook', () => {
  it.each<[string, Memory, readonly SessionLimit[], readonly number[]]>([
    [
      'a limit that was there has counted everything',
      { opened: ago(9, 5), ...looked(FIVE) },
      [FIVE],
      ago(9, 5),
    ],
    ['so has one that was never looked for', { opened: ago(9, 5) }, [FIVE], ago(9, 5)],
    [
      'a new one has counted nothing from before the look that did not find it',
      { opened: ago(9, 5), looked: { at: NOW - 7000, limits: [] } },
      [FIVE],
      ago(5),
    ],
    [
      'none has counted nothing yet',
      { opened: ago(9, 5), looked: { at: NOW - 7000, limits: [] } },
      [],
      ago(9, 5),
    ],
  ])('%s', (_, memory, limits, opened) =>
    expect(afterLook(memory, limits, NOW)).toEqual({ opened, looked: { at: NOW, limits } }),
  );
});

describe('sentence', () => {
  it.each<[SessionLimit, boolean, string | undefined, string]>([
    [FIVE, false, undefined, 'waiting 23 s: this host admits five SSH sessions a minute'],
    [
      { seconds: 6, sessions: 254 },
      false,
      'gate\u001b[1m',
      'waiting 23 s: the jump host gate [1m admits 254 SSH sessions in 6 s',
    ],
    [
      { seconds: 3600, sessions: 1 },
      true,
      undefined,
      'waiting 23 s: the last try was not answered; this host admits one SSH session an hour, and after one too many none until that time has passed without a try',
    ],
  ])('%j %s %s', (limit, silence, hop, expected) =>
    expect(sentence({ ms: 22_001, limit, silence, assumed: false }, hop)).toBe(expected),
  );

  it('states nothing that nobody has seen', () =>
    expect(sentence({ ms: 22_001, limit: FIVE, silence: false, assumed: true }, undefined)).toBe(
      'waiting 23 s: by the playbook this host may admit but five SSH sessions a minute already',
    ));
});

const MAY =
  'A connection limit (DDOS-SSH) may be dropping this address: every further try restarts the time that it counts, so it is better to wait a minute than to retry.';
it.each<[string, readonly SessionLimit[] | undefined, string]>([
  ['nothing where nothing is limited', [], ''],
  ['what it may be where nothing is known', undefined, MAY],
  [
    'how long the next run waits',
    [{ seconds: 1, sessions: 3 }, FIVE],
    `${MAY} For all that is known here this host admits five SSH sessions a minute: the next run waits by itself until that time has passed without a try.`,
  ],
])('afterSilence says %s', (_, limits, expected) => expect(afterSilence(limits, undefined)).toBe(expected));
