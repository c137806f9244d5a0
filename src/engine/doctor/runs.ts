import type { Wave } from '../../probes/history.ts';
import type { Observed } from '../../probes/probe.ts';
import type { UnitState } from '../../probes/systemd.ts';
import { RUNS } from '../../shell/records.ts';
import { type Finding, judged, notLookedAt, ok, together, trouble, warning } from './finding.ts';

const by = ({ who }: Wave): string => who && ` (${who})`;

/** A job's unit lives exactly as long as the job: it is the host's lock. */
const atWork = (job: Observed<UnitState>): boolean =>
  job.state === 'present' &&
  ['active', 'activating', 'deactivating', 'reloading'].includes(job.value.activeState);

export const lock = (job: Observed<UnitState>, runs: Observed<readonly Wave[]>): Finding =>
  judged(job, {
    absent: () => ok('no run is at work'),
    present: () => {
      if (!atWork(job)) return ok('no run is at work');
      const run = runs.state === 'present' ? runs.value.at(-1) : undefined;
      return trouble(
        `a run is at work on it${run ? by(run) : ''}`,
        'Wait until it is over: until then harden apply ends with 75.',
      );
    },
  });

/** Runs that did not come to their end. Of the last one only: what an earlier one owed, a later one has seen to. */
export function unfinished(job: Observed<UnitState>, seen: Observed<readonly Wave[]>): Finding {
  if (atWork(job)) return notLookedAt('a run is at work');
  const known = job.state === 'unreadable' ? job : seen;
  return judged(known, {
    absent: () => ok('harden has changed nothing here yet'),
    present: (runs) => {
      const last = runs.at(-1)!;
      const pending = runs
        .filter(({ guard }) => guard === 'pending')
        .map((run) =>
          warning(
            `a change of the run ${run.id}${by(run)} was neither confirmed nor undone`,
            `As root there, sh ${RUNS}/${run.id}/rollback.sh undoes it; harden check says where the host is.`,
          ),
        );
      const broken = last.ended
        ? []
        : [
            warning(
              `the last run${by(last)} did not come to its end, as where the host was restarted or the run was killed`,
              'harden check says where the host is, harden apply finishes the work.',
            ),
          ];
      return together([...pending, ...broken], ok(`the last run${by(last)} came to its end`));
    },
  });
}
