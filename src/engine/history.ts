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
      changes: all.reduce((sum, { changes }) => sum + changes, 0),
      tasks: [...new Set(all.flatMap(applied))],
    };
  });
}

/** The tasks of a wave that it came to the end of and that nobody undid; of an older version, those that it had. */
const applied = ({ plan, done, guard }: Wave): string[] =>
  (plan.tasks ?? []).flatMap(({ id, steps, guarded }) =>
    !steps || (steps.every((index) => done.includes(index)) && !(guarded && guard === 'rolledback'))
      ? [id]
      : [],
  );

function stateOf(waves: readonly Wave[], latest: LatestRun | undefined): RunEntry['state'] {
  if (latest?.working && waves.some(({ id }) => id === latest.id)) return 'at work';
  if (waves.some(({ guard }) => guard === 'rolledback')) return 'rolled back';
  return waves.every(({ ended }) => ended) ? 'ended' : 'cut off';
}
