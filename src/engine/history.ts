import type { Wave } from '../probes/history.ts';
import type { LatestRun } from '../probes/runs.ts';
import type { RunEntry } from '../report/result.ts';
import { RUN_ID } from '../shell/records.ts';

/** The runs that a host remembers, each with all its waves; the oldest first. Pure. */
export function runsOf(waves: readonly Wave[], latest: LatestRun | undefined): RunEntry[] {
  const runs = new Map<string, Wave[]>();
  for (const wave of waves) {
    const id = wave.id.slice(0, RUN_ID);
    runs.set(id, [...(runs.get(id) ?? []), wave]);
  }
  return [...runs].map(([id, [first, ...rest]]): RunEntry => {
    const all = [first!, ...rest];
    return {
      id,
      began: new Date(first!.at * 1000).toISOString(),
      who: first!.who.replace(/, since .*/, ''),
      command: first!.plan.command ?? 'apply',
      state: stateOf(all, latest),
      changes: sum(all.map(({ changes }) => changes)),
      undone: sum(all.map(({ undone }) => undone)),
      tasks: idsOf(all, applied),
      removed: idsOf(all, (wave, task) => task.removes === true && applied(wave, task)),
      failed: idsOf(all, ({ failed }, { steps = [] }) => steps.some((index) => failed.includes(index))),
      unconfirmed: idsOf(all, unconfirmed),
    };
  });
}

type TaskOf = NonNullable<Wave['plan']['tasks']>[number];

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** The tasks of a run of which something is true in one of its waves. */
const idsOf = (waves: readonly Wave[], is: (wave: Wave, task: TaskOf) => boolean): string[] => [
  ...new Set(
    waves.flatMap((wave) => (wave.plan.tasks ?? []).filter((task) => is(wave, task)).map(({ id }) => id)),
  ),
];

/** It came to its end and nobody undid it; of an older version, that it was in the run. */
const applied = (wave: Wave, { steps, guarded }: TaskOf): boolean =>
  !steps || (steps.every((index) => wave.done.includes(index)) && !(guarded && wave.guard === 'rolledback'));

/** The host undid what it had done of it. */
const unconfirmed = ({ guard, begun }: Wave, { guarded, steps }: TaskOf): boolean =>
  guard === 'rolledback' &&
  guarded === true &&
  // arming the guard is one of them, whatever came of the others
  (!steps || steps.filter((index) => begun.includes(index)).length > 1);

function stateOf(waves: readonly Wave[], latest: LatestRun | undefined): RunEntry['state'] {
  if (latest?.working && waves.some(({ id }) => id === latest.id)) return 'at work';
  if (waves.some(({ guard }) => guard === 'rolledback')) return 'rolled back';
  if (waves.some(({ ended, guard }) => !ended || guard === 'pending')) return 'cut off';
  if (waves.some(({ failed }) => failed.length > 0)) return 'failed';
  return waves.some(({ stopped }) => stopped) ? 'interrupted' : 'done';
}
