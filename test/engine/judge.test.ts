import { describe, expect, it } from 'vitest';
import type { Journal, StepState } from '../../src/engine/journal.ts';
import { judgeConvergence, judgeSteps, judgeUnseen, lastWord } from '../../src/engine/judge.ts';
import type { Pending, Planned } from '../../src/engine/plan.ts';
import type { Step } from '../../src/engine/steps/step.ts';
import { raw } from '../../src/shell/quote.ts';
import type { Task } from '../../src/tasks/task.ts';

const task = (id: string) => ({ id }) as Task;
const pending = (id: string, guarded = false): Pending => ({
  task: task(id),
  decision: { status: 'change', reason: `${id} differs`, changes: [], guarded, notes: [] },
});
const step = (...tasks: string[]): Step => ({
  // g and h are guarded in all tests
  phase: tasks.every((id) => /[gh]/.test(id)) ? 'guarded' : 'plain',
  tasks,
  title: `write ${tasks.join('+')}`,
  code: raw(':'),
});

const DONE: StepState = { state: 'done' };
const NOT_RUN: StepState = { state: 'not-run' };
const failed = (output = 'No space left on device'): StepState => ({ state: 'failed', status: 3, output });

const judge = (
  tasks: Pending[],
  steps: Step[],
  states: StepState[],
  guard: Journal['guard'] = 'none',
  seen = true,
) =>
  Object.fromEntries(
    judgeSteps(
      { tasks, steps, confirmTimeout: 60 },
      { steps: states, guard, frames: seen ? [{ words: ['observed'] }] : [] },
    ),
  );

describe('the journal of a wave', () => {
  it('says nothing of what went well: the second look does', () =>
    expect(judge([pending('a'), pending('b')], [step('a'), step('a', 'b')], [DONE, DONE])).toEqual({}));

  it('names the step that failed, what it said, and what was not reached', () =>
    expect(
      judge(
        [pending('a'), pending('b'), pending('c')],
        [step('a'), step('b'), step('c')],
        [DONE, failed(), NOT_RUN],
      ),
    ).toEqual({
      b: { status: 'failed', reason: 'write b failed: No space left on device' },
      c: {
        status: 'skipped',
        reason: 'not applied, since an earlier step failed (write b): c differs',
      },
    }));

  it.each([
    ['one\ntwo\n', ': one / two'],
    ['1\n2\n3\n4\n5\n6\n7\n8', ': 3 / 4 / 5 / 6 / 7 / 8'],
    ['  \n', ' without a word (exit status 3)'],
  ])('of what a failed step said %j, tells the end', (output, told) =>
    expect(judge([pending('a')], [step('a')], [failed(output)]).a?.reason).toBe(`write a failed${told}`),
  );

  it('fails every task of a step', () => {
    const both = judge([pending('a'), pending('b')], [step('a', 'b')], [failed()]);
    expect([both.a?.status, both.b?.status]).toEqual(['failed', 'failed']);
  });

  it('says what the host undid; what is not guarded stands', () =>
    expect(
      judge([pending('a'), pending('g', true)], [step('a'), step('g')], [DONE, DONE], 'rolledback'),
    ).toEqual({
      g: {
        status: 'rolled-back',
        reason: 'no new login was possible after it within 60 s, so the host undid it; before: g differs',
      },
    }));

  it.each([
    [{}, ''],
    [{ keptOut: 'the login was rejected' }, ' (the login was rejected)'],
    [
      { bannedBy: ['own'], keptOut: 'it did not answer in time' },
      ' (fail2ban had banned your address, by the jail own: put it into trusted)',
    ],
    [
      { bannedBy: ['own', 'sshd'] },
      ' (fail2ban had banned your address, by the jails own and sshd: put it into trusted)',
    ],
  ])('says what kept the new login away: %j', (why, said) => {
    const journal = {
      steps: [DONE],
      guard: 'rolledback',
      ...why,
      frames: [{ words: ['observed'] }],
    } as const;
    const outcomes = judgeSteps(
      { tasks: [pending('g', true)], steps: [step('g')], confirmTimeout: 60 },
      journal,
    );
    expect(outcomes.get('g')?.reason).toContain(
      `no new login was possible after it within 60 s${said}, so the host undid it`,
    );
  });

  it('does not say that nobody could get in where a login worked, and only came too late', () => {
    const outcomes = judgeSteps(
      { tasks: [pending('g', true)], steps: [step('g')], confirmTimeout: 60 },
      {
        steps: [DONE],
        guard: 'rolledback',
        late: 'none was tried in time',
        frames: [{ words: ['observed'] }],
      },
    );
    expect(outcomes.get('g')?.reason).toContain(
      'no new login confirmed it within 60 s (none was tried in time), so',
    );
  });

  it('does not blame what failed after the host had undone it', () =>
    expect(
      judge(
        [pending('g', true), pending('s', true)],
        [step('g'), { ...step('s'), phase: 'settle' }],
        [DONE, failed()],
        'rolledback',
      ).g?.reason,
    ).toMatch(/^no new login was possible after it within 60 s/));

  it('says what of a command the host cannot take back', () => {
    const { task: one, decision } = pending('g', true);
    const changes = [{ kind: 'run-command', command: 'x' }] as const;
    expect(
      judge([{ task: one, decision: { ...decision, changes } }], [step('g')], [DONE], 'rolledback').g?.reason,
    ).toBe(
      'no new login was possible after it within 60 s, so the host put firewall rules, links, addresses and routes back, and what else the command did stands; before: g differs',
    );
  });

  it.each<[string, StepState, boolean, string]>([
    ['nobody logged in', DONE, true, 'no new login was possible after it within 60 s'],
    ['a later step failed', failed(), true, 'a later step failed (write h)'],
    ['the run was killed', NOT_RUN, false, 'the run was ended before a new login could confirm it'],
  ])('says why: %s', (_, second, seen, cause) =>
    expect(
      judge(
        [pending('g', true), pending('h', true)],
        [step('g'), { ...step('h'), phase: 'guarded' }],
        [DONE, second],
        'rolledback',
        seen,
      ).g,
    ).toEqual({ status: 'rolled-back', reason: `${cause}, so the host undid it; before: g differs` }),
  );

  it('calls a guarded change that failed a failure, although it was undone too', () =>
    expect(judge([pending('g', true)], [step('g')], [failed()], 'rolledback').g?.status).toBe('failed'));

  it('says of a guarded step that may have done something that the host undid it', () =>
    expect(
      judge(
        [pending('g', true), pending('h', true)],
        [step('h'), { ...step('g'), phase: 'guarded', partial: true }],
        [DONE, failed('Bad configuration option')],
        'rolledback',
      ),
    ).toEqual({
      g: {
        status: 'rolled-back',
        reason: 'write g failed, so the host undid it: Bad configuration option',
      },
      h: {
        status: 'rolled-back',
        reason: 'a later step failed (write g), so the host undid it; before: h differs',
      },
    }));

  it('does not say that the host undid what it had not begun', () =>
    expect(
      judge(
        [pending('g', true), pending('h', true)],
        [step('g'), step('h')],
        [failed('Bad configuration option'), NOT_RUN],
        'rolledback',
      ).h,
    ).toEqual({
      status: 'skipped',
      reason: 'not applied, since an earlier step failed (write g): h differs',
    }));

  it.each(['confirmed', 'guarded'] as const)('nor what was to come after it, in the phase %s', (phase) =>
    expect(
      judge(
        [pending('g', true), pending('h', true)],
        [step('g'), { ...step('h'), phase }],
        [DONE, NOT_RUN],
        'rolledback',
      ).h,
    ).toEqual({
      status: 'skipped',
      reason: 'not applied, since the host undid what comes before it: h differs',
    }),
  );

  it('tells what the host could not put back', () =>
    expect(
      Object.fromEntries(
        judgeSteps(
          { tasks: [pending('g', true)], steps: [step('g')], confirmTimeout: 60 },
          {
            steps: [DONE],
            guard: 'rolledback',
            trouble: '/etc/a\n/etc/b',
            frames: [{ words: ['observed'] }],
          },
        ),
      ).g?.reason,
    ).toBe(
      'no new login was possible after it within 60 s, so the host undid it; but this could not be put back: /etc/a, /etc/b; before: g differs',
    ));

  it('says of an interrupted run what was not reached, and what was undone', () =>
    expect(
      Object.fromEntries(
        judgeSteps(
          {
            tasks: [pending('a'), pending('b'), pending('g', true)],
            steps: [step('a'), step('b'), step('g')],
            confirmTimeout: 60,
          },
          {
            steps: [DONE, NOT_RUN, DONE],
            guard: 'rolledback',
            stopped: true,
            frames: [{ words: ['stopped'] }, { words: ['observed'] }],
          },
        ),
      ),
    ).toEqual({
      b: { status: 'skipped', reason: 'not applied, since the run was interrupted: b differs' },
      g: {
        status: 'rolled-back',
        reason:
          'the run was interrupted before a new login confirmed it, so the host undid it; before: g differs',
      },
    }));

  it('says of a person who did not say that a login works, and of no interruption', () =>
    expect(
      Object.fromEntries(
        judgeSteps(
          { tasks: [pending('g', true)], steps: [step('g')], confirmTimeout: 60 },
          {
            steps: [DONE],
            guard: 'rolledback',
            stopped: true,
            denied: true,
            frames: [{ words: ['stopped'] }, { words: ['observed'] }],
          },
        ),
      ).g?.reason,
    ).toBe('nobody said that a login from elsewhere works, so the host undid it; before: g differs'));

  it('claims nothing of steps after which it just ends', () =>
    expect(
      judge([pending('a'), pending('b')], [step('a'), step('b')], [{ state: 'running' }, NOT_RUN]),
    ).toEqual({}));
});

describe('the second look', () => {
  const again = (id: string, status: 'ok' | 'blocked'): Planned => ({
    task: task(id),
    decision: { status, reason: `${id} now`, notes: [] },
  });

  it('alone calls a task changed, with what it mended', () =>
    expect(
      Object.fromEntries(
        judgeConvergence(
          [pending('a'), pending('b'), pending('c'), pending('d')],
          [again('a', 'ok'), again('b', 'blocked'), pending('c')],
        ),
      ),
    ).toEqual({
      a: { status: 'changed', reason: 'a differs' },
      b: { status: 'failed', reason: 'it was applied, but the host still says: b now' },
      c: { status: 'failed', reason: 'it was applied, but the host still says: c differs' },
      d: { status: 'failed', reason: 'it was applied, but the host still says: nothing' },
    }));
});

describe('the last look', () => {
  const changed = { status: 'changed', reason: 'before' } as const;
  const decision = (status: 'ok' | 'blocked') => ({ status, reason: 'now', notes: [] });

  it('takes back what a later wave undid again', () =>
    expect(lastWord(changed, decision('blocked'))).toEqual({
      status: 'failed',
      reason: 'it was applied and proven, but a later step changed it again: now',
    }));

  it('leaves the rest as it is', () => {
    expect(lastWord(changed, decision('ok'))).toBe(changed);
    const skipped = { status: 'skipped', reason: 'before' } as const;
    expect(lastWord(skipped, decision('blocked'))).toBe(skipped);
  });
});

describe('a wave whose end nobody saw', () => {
  const RUNNING: StepState = { state: 'running' };
  const arm: Step = { ...step('g', 'h'), phase: 'arm' };
  const after = '; harden check says what became of it';
  const unseen = (steps: Step[], states: StepState[], guard: Journal['guard'] = 'none') =>
    Object.fromEntries(
      [
        ...judgeUnseen(
          { tasks: ['a', 'g', 'h'].map((id) => pending(id)), steps },
          { steps: states, guard },
          'the run ended',
        ),
      ].map(([id, outcome]) => {
        expect(outcome).toMatchObject({ status: 'failed', unseen: true });
        return [id, outcome.reason];
      }),
    );

  it('is told as far as it was seen', () =>
    expect(
      unseen(
        [step('a'), arm, step('g'), step('g'), step('h')],
        [DONE, DONE, DONE, NOT_RUN, NOT_RUN],
        'armed',
      ),
    ).toEqual({
      a: `it was done when the run ended, and nobody looked at it again${after}`,
      g: `it was being applied when the run ended${after}`,
      // that the guard was armed for it is no beginning
      h: `the host had not said that it began with it when the run ended${after}`,
    }));

  it.each<[Journal['guard'], string]>([
    ['waiting', 'it was done and not yet confirmed when the run ended, and nobody looked at it again'],
    ['confirmed', 'it was done when the run ended, and nobody looked at it again'],
  ])('tells of a guard that was %s', (guard, reason) =>
    expect(unseen([step('a'), arm, step('g'), step('h')], [DONE, DONE, DONE, RUNNING], guard)).toMatchObject({
      g: `${reason}${after}`,
      h: `it was being applied when the run ended${after}`,
    }),
  );

  it('tells of a step that had failed', () =>
    expect(unseen([step('a'), arm, step('g', 'h')], [failed(), NOT_RUN, NOT_RUN]).a).toBe(
      `write a failed: No space left on device${after}`,
    ));

  it('and never heard of is not known', () => {
    const reason = `how far it came is not known, since the run ended before the host said anything of it${after}`;
    expect(unseen([step('a'), arm, step('g', 'h')], [NOT_RUN, NOT_RUN, NOT_RUN])).toEqual({
      a: reason,
      g: reason,
      h: reason,
    });
  });
});
