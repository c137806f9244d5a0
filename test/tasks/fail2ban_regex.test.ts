import { describe, expect, it } from 'vitest';
import { parseRegexOutput } from '../../src/probes/fail2ban-regex.ts';
import { absent, present, unreadable } from '../../src/probes/probe.ts';
import { fail2banRegexTask as task } from '../../src/tasks/fail2ban_regex.ts';
import { context, fileState } from './context.ts';

const PARAMS = {
  filter: '/etc/fail2ban/filter.d/james.conf',
  sample: Array.from({ length: 8 }, (_, i) => `line ${i}`),
};
const FILE = present(fileState());

const proof = (matched: number, missed: string[] = [], ignored = 0) =>
  parseRegexOutput(`Lines: ${matched + missed.length + ignored} lines, ${ignored} ignored, ${matched} matched, ${missed.length} missed
[processed in 0.01 sec]
${missed.length > 0 ? `\n|- Missed line(s):\n${missed.map((line) => `|  ${line}`).join('\n')}\n\`-\n` : ''}`);

const plan = (seen: ReturnType<typeof proof>, over: object = {}) =>
  task.plan({ ...PARAMS, ...over }, { file: FILE, proof: [seen] }, context({ prove: true }));

describe('the proof', () => {
  it('that holds', () =>
    expect(plan(proof(8))).toEqual({
      verdict: 'ok',
      reason: 'Lines: 8 lines, 0 ignored, 8 matched, 0 missed',
    }));

  it.each([
    ['fewer', proof(6, ['a', 'b']), {}, '6 matched, 2 missed, wanted 8 matched; missed: a | b'],
    [
      'none',
      proof(0, PARAMS.sample),
      {},
      '8 lines, 0 ignored, 0 matched, 8 missed, wanted 8 matched; missed: line 0 |',
    ],
    ['ignored lines', proof(7, [], 1), {}, '1 ignored, 7 matched, 0 missed, wanted 8 matched'],
    // the sample was not taken as a whole: whatever matched proves nothing
    ['all of another sample', proof(7), {}, 'Lines: 7 lines, 0 ignored, 7 matched, 0 missed, wanted 8'],
    ['as many of a longer sample', proof(8, ['x']), {}, 'Lines: 9 lines'],
    ['more than wanted', proof(8), { matched: 6 }, 'wanted 6 matched'],
    ['one where none may', proof(1, ['a', 'b', 'c', 'd', 'e', 'f', 'g']), { matched: 0 }, 'wanted 0 matched'],
    ['no answer', absent, {}, 'fail2ban-regex was not run'],
    ['a failure', unreadable('fail2ban-regex gave no result: No module'), {}, 'gave no result: No module'],
  ])('that finds %s fails', (_, seen, over, reason) =>
    expect(plan(seen, over)).toEqual({ verdict: 'failed', reason: expect.stringContaining(reason) }),
  );

  it.each([
    [6, proof(6, ['a', 'b'])],
    [0, proof(0, PARAMS.sample)],
  ])('that wants %d gets them', (matched, seen) =>
    expect(plan(seen, { matched })).toMatchObject({ verdict: 'ok' }),
  );

  it.each([
    [absent, { verdict: 'needs', key: `file:${PARAMS.filter}` }],
    [
      unreadable('a disk error'),
      { verdict: 'failed', reason: `${PARAMS.filter} could not be looked at: a disk error` },
    ],
    [FILE, { verdict: 'ok', reason: 'the filter is there; apply and verify prove it' }],
  ])('is not asked for by check: %j', (file, verdict) =>
    expect(task.plan(PARAMS, { file, proof: [] }, context())).toMatchObject(verdict),
  );

  it('is asked for by apply and verify only, and of a filter that is there', () => {
    const local = new Map();
    expect(task.questions(PARAMS, { prove: false, local }).proof).toEqual([]);
    expect(task.questions(PARAMS, { prove: true, local }).proof).toMatchObject([{ arg: PARAMS }]);
    expect(task.plan(PARAMS, { file: absent, proof: [proof(8)] }, context({ prove: true }))).toMatchObject({
      verdict: 'needs',
    });
  });

  it('writes nothing and comes after the filter', () => {
    expect(task.owns(PARAMS)).toEqual([]);
    expect(task.relies?.(PARAMS)).toContain(`file:${PARAMS.filter}`);
  });
});

describe('check', () => {
  const problems = (over: object) => task.check?.({ ...PARAMS, ...over });

  it.each([
    [{}],
    [{ matched: 8 }],
    [{ matched: 0 }],
    [{ sample: ['x', '- a second line may begin so', 'é'] }],
  ])('has nothing against %j', (over) => expect(problems(over)).toEqual([]));

  it.each([
    [{ sample: ['a\nb'] }, ['sample', 0], 'no line break'],
    [{ sample: ['a', 'b\r'] }, ['sample', 1], 'no line break'],
    [{ sample: ['a\0'] }, ['sample', 0], 'no NUL'],
    [{ sample: ['a', ' '] }, ['sample', 1], 'is not empty'],
    [{ sample: ['-h'] }, ['sample', 0], 'would not take this for a log line'],
    [{ sample: ['systemd-journal'] }, ['sample', 0], 'would not take this for a log line'],
    [{ sample: ['é'.repeat(60_001)] }, ['sample'], 'longer than 120000 bytes'],
    [{ sample: ['a'], matched: 2 }, ['matched'], 'there are only 1 lines'],
  ])('refuses %o', (over, path, problem) =>
    expect(problems(over)).toEqual([[path, expect.stringContaining(problem)]]),
  );
});
