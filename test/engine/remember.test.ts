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
const pending = (id: string): Pending => ({
  task: { id } as Pending['task'],
  decision: { status: 'change', reason: `${id} differs`, changes: [], guarded: false, notes: [] },
});

it('the host is told the steps of each task, and whether it undoes any of them', () =>
  expect(
    remembered(
      'apply',
      [pending('a'), pending('b')],
      [step('plain', 'a', 'b'), step('arm', 'b'), step('guarded', 'b'), step('plain', 'a')],
    ).tasks,
  ).toEqual([
    { id: 'a', reason: 'a differs', changes: [], steps: [0, 3], guarded: false },
    { id: 'b', reason: 'b differs', changes: [], steps: [0, 1, 2], guarded: true },
  ]));
