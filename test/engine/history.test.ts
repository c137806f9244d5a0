import { describe, expect, it } from 'vitest';
import { runsOf } from '../../src/engine/history.ts';
import type { Wave } from '../../src/probes/history.ts';

const RUN = 'a'.repeat(24);
const wave = (over: Partial<Wave> = {}): Wave => ({
  id: `${RUN}00`,
  at: 1_700_000_000,
  who: 'ann@laptop, since 2023-11-14T22:13:20.000Z',
  ended: true,
  guard: 'none',
  changes: 1,
  undone: 0,
  stopped: false,
  begun: [0, 1],
  done: [0, 1],
  failed: [],
  plan: { command: 'apply', tasks: [{ id: 'a', reason: '', changes: [] }] },
  ...over,
});

describe('the runs of a host', () => {
  it('are told as one each, however many waves they had', () =>
    expect(
      runsOf(
        [
          wave(),
          wave({
            id: `${RUN}01`,
            changes: 2,
            undone: 1,
            plan: { command: 'apply', tasks: [{ id: 'b', reason: '', changes: [] }] },
          }),
        ],
        undefined,
      ),
    ).toEqual([
      {
        id: RUN,
        began: '2023-11-14T22:13:20.000Z',
        who: 'ann@laptop',
        command: 'apply',
        state: 'done',
        changes: 3,
        undone: 1,
        tasks: ['a', 'b'],
        removed: [],
        failed: [],
        unconfirmed: [],
      },
    ]));

  it.each<[string, string[], Partial<Wave>]>([
    ['whose steps are done', ['plain', 'guarded'], {}],
    ['that was reached', ['plain'], { done: [0] }],
    ['that the host did not undo', ['plain'], { guard: 'rolledback' }],
    ['at all, if none was reached', [], { done: [] }],
  ])('name no task but one %s: %j', (_, told, over) => {
    const tasks = [
      { id: 'plain', reason: '', changes: [], steps: [0], guarded: false },
      { id: 'guarded', reason: '', changes: [], steps: [0, 1], guarded: true },
    ];
    expect(runsOf([wave({ plan: { tasks }, ...over })], undefined)[0]?.tasks).toEqual(told);
  });

  it('name the tasks that took away, that failed, and that nobody confirmed', () => {
    const tasks = [
      { id: 'gone', reason: '', changes: [], steps: [0], guarded: false, removes: true },
      { id: 'door', reason: '', changes: [], steps: [1, 2], guarded: true, removes: true },
      { id: 'key', reason: '', changes: [], steps: [1, 3], guarded: true },
      // armed, and not begun
      { id: 'late', reason: '', changes: [], steps: [1, 4], guarded: true },
    ];
    expect(
      runsOf(
        [wave({ plan: { tasks }, guard: 'rolledback', begun: [0, 1, 2, 3], done: [0, 1], failed: [2] })],
        undefined,
      )[0],
    ).toMatchObject({ tasks: ['gone'], removed: ['gone'], failed: ['door'], unconfirmed: ['door', 'key'] });
  });

  it('of an older version, which did not note the steps of a task, fail without naming any', () =>
    expect(runsOf([wave({ failed: [0] })], undefined)[0]).toMatchObject({ state: 'failed', failed: [] }));

  it.each<[string, Partial<Wave>, boolean]>([
    ['done', {}, false],
    ['failed', { failed: [2] }, false],
    ['failed', { failed: [2], guard: 'confirmed', stopped: true }, false],
    ['interrupted', { stopped: true }, false],
    ['rolled back', { guard: 'rolledback', failed: [2], stopped: true }, false],
    ['cut off', { ended: false, failed: [2], stopped: true }, false],
    // neither confirmed nor undone
    ['cut off', { guard: 'pending' }, false],
    ['rolled back', { guard: 'rolledback' }, false],
    ['rolled back', { guard: 'rolledback', ended: false }, false],
    ['cut off', { ended: false }, false],
    ['at work', { ended: false }, true],
  ])('%s: %j', (state, over, working) => {
    const latest = {
      id: `${RUN}00`,
      working,
      ended: false,
      settled: false,
      rolledBack: false,
      owesUndoing: false,
      who: '',
      mark: '',
    };
    expect(runsOf([wave(over)], latest)[0]?.state).toBe(state);
  });
});
