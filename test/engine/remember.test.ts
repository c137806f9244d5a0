import { expect, it } from 'vitest';
import type { Pending } from '../../src/engine/plan.ts';
import { remembered } from '../../src/engine/remember.ts';
import type { Step } from '../../src/engine/steps/step.ts';
import { raw } from '../../src/shell/quote.ts';

const step = (phase: Step['phase'], ...tasks: string[]): Step => ({
  phase,
  tasks,
  title: 'x',
  code: raw(':'),
});
const pending = (id: string, removes = false): Pending => ({
  task: { id, type: { removes } } as Pending['task'],
  decision: { status: 'change', reason: `${id} differs`, changes: [], guarded: false, notes: [] },
});

it('the host is told the steps of each task, whether it undoes any of them, and which take away', () =>
  expect(
    remembered(
      'apply',
      [pending('a'), pending('b', true)],
      [step('plain', 'a', 'b'), step('arm', 'b'), step('guarded', 'b'), step('plain', 'a')],
    ).tasks,
  ).toEqual([
    { id: 'a', reason: 'a differs', changes: [], steps: [0, 3], guarded: false },
    { id: 'b', reason: 'b differs', changes: [], steps: [0, 1, 2], guarded: true, removes: true },
  ]));
