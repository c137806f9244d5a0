import type { Wave } from '../../probes/history.ts';
import type { OwnFolders } from '../../probes/own-folders.ts';
import type { Observed } from '../../probes/probe.ts';
import type { LatestRun } from '../../probes/runs.ts';
import { ADVICE } from '../../shell/own-folders.ts';
import { RUNS, STATE } from '../../shell/records.ts';
import { sentenceList } from '../../tasks/common/words.ts';
import { isAbandoned } from '../holder.ts';
import { type Finding, judged, notLookedAt, ok, together, trouble, warning } from './finding.ts';

const by = ({ who }: { readonly who: string }): string => who && ` (${who})`;

/** A job lives exactly as long as its unit: that is the host's lock. */
export const lock = (latest: Observed<LatestRun>): Finding =>
  judged(latest, {
    absent: () => ok('no run is at work'),
    present: (run) => {
      if (!run.working) return ok('no run is at work');
      return isAbandoned(run.mark)
        ? warning(
            `an earlier run of yours is still at work on it${by(run)}, and nobody follows it`,
            'harden apply follows it to its end first.',
          )
        : trouble(
            `a run is at work on it${by(run)}`,
            'Wait until it is over: until then harden apply ends with 75.',
          );
    },
  });

/** What root runs from there must be root's own. */
export const ownFolders = (seen: Observed<OwnFolders>): Finding =>
  judged(seen, {
    absent: () => ok('nothing is there yet'),
    present: ({ wrong, open }) => {
      if (wrong !== undefined) return trouble(wrong, `${ADVICE}.`);
      return open.length === 0
        ? ok(`${STATE} is root's alone`)
        : warning(
            `others may write to ${sentenceList(open)}, from where root runs scripts`,
            `See that all in it is right (ls -laR ${STATE}); the next harden apply sets its mode to 0700.`,
          );
    },
  });

/** Runs that did not come to their end. Of the last one only: what an earlier one owed, a later one has seen to. */
export function unfinished(latest: Observed<LatestRun>, seen: Observed<readonly Wave[]>): Finding {
  if (latest.state === 'present' && latest.value.working) return notLookedAt('a run is at work');
  return judged(latest.state === 'unreadable' ? latest : seen, {
    absent: () => ok('harden has changed nothing here yet'),
    present: (runs) => {
      const last = runs.at(-1)!;
      const owes = latest.state === 'present' && latest.value.owesUndoing ? latest.value : undefined;
      const pending = runs
        .filter(({ guard, id }) => guard === 'pending' && id !== owes?.id)
        .map((run) =>
          warning(
            `a change of the run ${run.id}${by(run)} was neither confirmed nor undone`,
            `As root there, sh ${RUNS}/${run.id}/rollback.sh undoes it; harden check says where the host is.`,
          ),
        );
      const undoing = owes
        ? [
            warning(
              `a change of the run ${owes.id}${by(owes)} was neither confirmed nor wholly undone`,
              `harden apply undoes it first; so does, as root there, sh ${RUNS}/${owes.id}/rollback.sh.`,
            ),
          ]
        : [];
      const settled = latest.state === 'present' && latest.value.settled;
      const broken =
        last.ended || owes || settled
          ? []
          : [
              warning(
                `the last run${by(last)} did not come to its end, as where the host was restarted or the run was killed${last.guard === 'rolledback' ? '; what nobody had confirmed was undone' : ''}`,
                last.guard === 'rolledback'
                  ? 'harden diff shows what is to change: see first that it lets you in, since harden apply makes the change again that was undone.'
                  : 'harden check says what of it is still to do, and harden apply does that.',
              ),
            ];
      return together(
        [...pending, ...undoing, ...broken],
        ok(
          settled
            ? `the last run${by(last)} was cut off, and nothing of it is left to do`
            : `the last run${by(last)} came to its end${last.guard === 'rolledback' ? ', and undid what nobody had confirmed' : ''}`,
        ),
      );
    },
  });
}
