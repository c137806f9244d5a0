import type { Doors } from '../probes/doors.ts';
import type { Observed } from '../probes/probe.ts';
import type { LatestRun } from '../probes/runs.ts';
import type { HostStatus, TaskResult, TaskStatus } from '../report/result.ts';
import { RUNS } from '../shell/records.ts';
import { PUT_BACK } from '../tasks/change.ts';
import type { Journal } from './journal.ts';
import type { Outcome } from './judge.ts';
import type { Decision, Planned } from './plan.ts';

/** What ended a run on a host, and what the host is then. */
export interface Failure {
  readonly status: HostStatus;
  readonly reason: string;
}

/** What a look says of a task. */
export function found(decision: Decision): [TaskStatus, string] {
  return [decision.status === 'change' ? 'drift' : decision.status, decision.reason];
}

/** What `apply` says of a task that it did not begin with. */
export function notReached(decision: Decision, stopped: string): [TaskStatus, string] {
  return decision.status === 'change'
    ? ['skipped', `not applied, since ${stopped}: ${decision.reason}`]
    : found(decision);
}

/** A host is worth what the worst of its tasks is, or what ended its run; also of one that undid, a failure is the worse. */
export function hostStatus(tasks: readonly TaskResult[], ended?: HostStatus): HostStatus {
  const has = (...statuses: TaskStatus[]) => tasks.some(({ status }) => statuses.includes(status));
  if (ended && ended !== 'rolled-back') return ended;
  if (has('failed', 'blocked')) return 'failed';
  if (ended || has('rolled-back')) return 'rolled-back';
  if (has('skipped')) return 'failed';
  if (has('changed')) return 'changed';
  if (has('drift', 'unknown')) return 'drift';
  return 'ok';
}

/** What is guarded on a host that did not say what lets people in. */
export const doorsUnseen = (doors: Observed<Doors>): string[] =>
  doors.state === 'unreadable'
    ? [
        `which files let you in there could not be seen (${doors.why}), so a change of any file is undone unless a new login confirms it`,
      ]
    : [];

/** What became of a run that did not come to its end, beside what a look after it found. */
export function unfinishedRun(
  latest: LatestRun | undefined,
  planned: readonly Pick<Planned, 'decision'>[],
): string[] {
  if (!latest || latest.settled) return [];
  const { who, ended, rolledBack, owesUndoing } = latest;
  const differs = planned.some(({ decision }) => decision.status === 'change');
  if (ended && !owesUndoing) {
    return rolledBack && differs
      ? [
          `the latest run there (${who}) undid what nobody had confirmed: that may be part of what is to change`,
        ]
      : [];
  }
  const undoing = owesUndoing
    ? '; undoing what nobody had confirmed was cut off as well, and is finished by the next harden apply'
    : rolledBack
      ? '; what nobody had confirmed was undone'
      : '';
  return [
    `the latest run there (${who}) was cut off before its end, as where the host was restarted${undoing}${differs ? ': what it still owed shows as drift' : ''}`,
  ];
}

/** What no login can prove where the host is this machine itself. */
export const unproven = (planned: readonly Pick<Planned, 'decision'>[]): string[] =>
  planned.some(({ decision }) => decision.status === 'change' && decision.guarded)
    ? [
        'this machine itself: no login from elsewhere confirms what could keep people out; harden apply asks you whether one works, and with --yes nobody',
      ]
    : [];

/** Why `apply` went no further. */
export function stoppedBy(outcomes: ReadonlyMap<string, Outcome>, interrupted: boolean): string {
  const ends = new Map([
    ['failed', 'failed'],
    ['rolled-back', 'was undone'],
  ]);
  const [id, outcome] = [...outcomes].find(([, { status }]) => ends.has(status)) ?? [];
  if (outcome?.unseen) return `nobody saw what became of ${id}`;
  if (outcome) return `${id} ${ends.get(outcome.status)}`;
  return interrupted ? 'the run was interrupted' : 'the run ended before it';
}

/** What ended a wave's job; `unseen` where it was begun, and nobody saw what became of its tasks. */
type Ending = Failure & { readonly unseen?: string };

/** What is known of a wave's job beside its journal. */
interface Known {
  /** What the host is called. */
  readonly host: string;
  /** Who ran it. */
  readonly who: string;
  /** The run had applied something before. */
  readonly applied: boolean;
  /** The line was lost, and opened again. */
  readonly reconnected: boolean;
}

/** Why a wave's job could not be begun, or not be followed to its end; undefined if it was. Pure. */
export function refusalOf({ locked, absent, refused }: Journal, known: Known): Ending | undefined {
  const { host, applied, reconnected } = known;
  if (locked !== undefined) return { status: 'locked', reason: heldBy(locked, known) };
  if (absent) {
    return {
      status: 'failed',
      reason: `The connection to ${host} was lost before the run could begin there, and it does not begin any more. ${stands(applied)} Run again.`,
    };
  }
  if (refused !== undefined && reconnected) {
    return {
      status: 'failed',
      reason: `The connection to ${host} was lost, and the run cannot be followed any more: ${refused}. It goes on by itself, and undoes what nobody confirms. Run harden check when that is mended.`,
      unseen: 'the connection was lost',
    };
  }
  if (refused !== undefined) {
    return { status: 'failed', reason: `${host} could not begin the run: ${refused}. ${stands(applied)}` };
  }
  return undefined;
}

/** What a job is whose journal ends before the host's second look. Pure. */
export function cutShort({ guard }: Journal, host: string): Ending {
  const undone = guard === 'rolledback';
  return {
    status: undone ? 'rolled-back' : 'failed',
    reason: `What the run on ${host} wrote of itself ends before its second look at the host, as where the host was restarted, or the run was killed or hung. ${undone ? 'The host undid the change that nobody had confirmed; what else was done stands. See with harden diff that this change lets you in, before harden apply makes it again.' : 'What it had done stands. Run harden check to see where the host is, and harden apply to finish.'}`,
    unseen: 'the run ended',
  };
}

/** A host that another run is changing, or this one by another name. */
export function heldBy(by: string, { host, who, applied }: Pick<Known, 'host' | 'who' | 'applied'>): string {
  if (by === who) {
    return `${host} is a second name of a host that this very run is changing. ${stands(applied)} Leave one of the two out.`;
  }
  return `${host} is being changed by another run${by && ` (${by})`}. ${stands(applied)} Try again when that one is over.`;
}

/** What a run has changed before it could go no further. */
export const stands = (applied: boolean): string =>
  applied ? 'What it had applied and proven before that stands.' : 'This run changed nothing.';

/** What becomes of a host where nobody follows a job any more. */
export const goesOn = (run: string, next?: string, { commands = false } = {}): string =>
  `Whatever ${run} had begun there goes on by itself and undoes what nobody confirms${commands ? `; of a command it puts ${PUT_BACK}` : ''}${next ? `; ${next}` : ''}. harden check says where the host is. If it stays away, run on its console: sh ${RUNS}/current/rollback.sh`;
