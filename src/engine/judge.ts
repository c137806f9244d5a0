import type { TaskResult } from '../report/result.ts';
import { PUT_BACK } from '../tasks/change.ts';
import { sentenceList } from '../tasks/common/words.ts';
import type { Journal, StepState } from './journal.ts';
import type { Decision, Pending, Planned } from './plan.ts';
import type { Phase, Step } from './steps/step.ts';

/** What became of a task that was to be applied. */
export type Outcome = Pick<TaskResult, 'reason'> & {
  readonly status: 'changed' | 'failed' | 'rolled-back' | 'skipped';
  /** It was begun, and nobody saw its end: it may have gone well. */
  readonly unseen?: true;
};

type Outcomes = ReadonlyMap<string, Outcome>;

export interface Wave {
  readonly tasks: readonly Pending[];
  /** What they are compiled to, in the order of the journal. */
  readonly steps: readonly Step[];
  /** Seconds that the host waits for the confirming login. */
  readonly confirmTimeout: number;
}

/** The phases of what the host undoes. */
const UNDONE: readonly Phase[] = ['guarded', 'settle'];

/** What the journal alone says of a wave's tasks; a task whose steps are all done is left to the second look. Pure. */
export function judgeSteps({ tasks, steps, confirmTimeout }: Wave, journal: Journal): Outcomes {
  const outcomes = new Map<string, Outcome>();
  const broken = steps.find((_, index) => journal.steps[index]?.state === 'failed');
  // what fails once the guard has been decided is not why it was decided so
  const breach = broken?.phase === 'guarded' ? broken : undefined;
  // a job that is killed is undone by systemd, and says no more
  const ended = journal.frames.some(({ words: [word] }) => word === 'observed');
  const hanging = steps.find((_, index) => journal.steps[index]?.state === 'running');
  const cause = breach
    ? `a later step failed (${breach.title})`
    : journal.denied
      ? 'nobody said that a login from elsewhere works'
      : journal.stopped
        ? 'the run was interrupted before a new login confirmed it'
        : ended
          ? journal.late && !journal.bannedBy
            ? `no new login confirmed it within ${confirmTimeout} s (${journal.late})`
            : `no new login was possible after it within ${confirmTimeout} s${whyNot(journal)}`
          : `the run was ended${hanging ? ` in the middle of a step (${hanging.title})` : ''} before a new login could confirm it`;
  const rolledBack = journal.guard === 'rolledback';
  const stopper = rolledBack ? breach : broken;
  const since = stopper
    ? `an earlier step failed (${stopper.title})`
    : journal.stopped && !journal.denied
      ? 'the run was interrupted'
      : 'the host undid what comes before it';
  const trouble = notPutBack(journal.trouble);
  for (const { task, decision } of tasks) {
    const mine = steps.flatMap((step, index) =>
      step.tasks.includes(task.id) ? [{ step, state: journal.steps[index]! }] : [],
    );
    const failed = mine.find(({ state }) => state.state === 'failed');
    const undoing =
      rolledBack && mine.some(({ step, state }) => UNDONE.includes(step.phase) && state.state !== 'not-run');
    if (failed && !(undoing && failed.step.partial)) {
      outcomes.set(task.id, { status: 'failed', reason: `${failed.step.title} failed${said(failed.state)}` });
    } else if (failed) {
      outcomes.set(task.id, {
        status: 'rolled-back',
        reason: `${failed.step.title} failed, so the host ${undone(decision)}${trouble}${said(failed.state)}`,
      });
    } else if (undoing) {
      outcomes.set(task.id, {
        status: 'rolled-back',
        reason: `${cause}, so the host ${undone(decision)}${trouble}; before: ${decision.reason}`,
      });
    } else if (
      (broken || journal.stopped || rolledBack) &&
      mine.some(({ state }) => state.state !== 'done')
    ) {
      outcomes.set(task.id, {
        status: 'skipped',
        reason: `not applied, since ${since}: ${decision.reason}`,
      });
    }
  }
  return outcomes;
}

/** Why nobody got in: a ban, which the host knows, explains what was seen from here. */
const whyNot = ({ bannedBy: jails = [], keptOut }: Journal): string =>
  jails.length > 0
    ? ` (fail2ban had banned your address, by the ${jails.length === 1 ? 'jail' : 'jails'} ${sentenceList(jails)}: put it into trusted)`
    : keptOut
      ? ` (${keptOut})`
      : '';

const notPutBack = (trouble: string | undefined): string =>
  trouble ? `; but this could not be put back: ${trouble.split('\n').join(', ')}` : '';

/** What the host does to undo a guarded change. */
const undone = ({ changes }: Pending['decision']): string =>
  changes.some(({ kind }) => kind === 'run-command') ? `put ${PUT_BACK}` : 'undid it';

/** Applied means proven: only the second look, here as it was planned anew, says that a task is done. Pure. */
export function judgeConvergence(
  tasks: readonly Pending[],
  again: readonly Planned[],
  { trouble }: Pick<Journal, 'trouble'> = {},
): Outcomes {
  return new Map(
    tasks.map(({ task, decision: { reason } }): [string, Outcome] => {
      const now = again.find((planned) => planned.task.id === task.id)?.decision;
      return [
        task.id,
        now?.status === 'ok'
          ? { status: 'changed', reason }
          : {
              status: 'failed',
              reason: `it was applied, but the host still says: ${now?.reason ?? 'nothing'}${notPutBack(trouble)}`,
            },
      ];
    }),
  );
}

/** What an outcome is worth after the last look: what a later wave undid again is not done. Pure. */
export function lastWord(outcome: Outcome, now: Decision): Outcome {
  if (outcome.status !== 'changed' || now.status === 'ok') return outcome;
  return {
    status: 'failed',
    reason: `it was applied and proven, but a later step changed it again: ${now.reason}`,
  };
}

/** What is known of the tasks of a wave of which nobody saw the end, by what was heard of it until then. Pure. */
export function judgeUnseen(
  { tasks, steps }: Pick<Wave, 'tasks' | 'steps'>,
  { steps: states, guard }: Pick<Journal, 'steps' | 'guard'>,
  since: string,
): Outcomes {
  const heard = states.some(({ state }) => state !== 'not-run');
  const farAs = (id: string): string => {
    if (!heard) return `how far it came is not known, since ${since} before the host said anything of it`;
    // that the guard was armed for it is no beginning
    const mine = steps.flatMap((step, index) =>
      step.tasks.includes(id) && step.phase !== 'arm' ? [{ step, state: states[index]! }] : [],
    );
    const is = (...names: StepState['state'][]) => mine.every(({ state }) => names.includes(state.state));
    const failed = mine.find(({ state }) => state.state === 'failed');
    if (failed) return `${failed.step.title} failed${said(failed.state)}`;
    if (is('not-run')) return `the host had not said that it began with it when ${since}`;
    if (!is('done')) return `it was being applied when ${since}`;
    const open = guard !== 'confirmed' && mine.some(({ step }) => UNDONE.includes(step.phase));
    return `it was done${open ? ' and not yet confirmed' : ''} when ${since}, and nobody looked at it again`;
  };
  return new Map(
    tasks.map(({ task: { id } }): [string, Outcome] => [
      id,
      { status: 'failed', unseen: true, reason: `${farAs(id)}; harden check says what became of it` },
    ]),
  );
}

/** The end of what a failed step printed: enough for the words of a tool above the one of its caller. */
function said(state: StepState): string {
  if (state.state !== 'failed') return '';
  const words = state.output.trim().split('\n').slice(-6).join(' / ');
  return words ? `: ${words}` : ` without a word (exit status ${state.status})`;
}
