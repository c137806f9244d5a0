import type { Doors } from '../probes/doors.ts';
import type { Observed } from '../probes/probe.ts';
import type { LatestRun } from '../probes/runs.ts';
import type { HostStatus, TaskResult, TaskStatus } from '../report/result.ts';
import type { Outcome } from './judge.ts';
import type { Decision, Planned } from './plan.ts';

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
  if (!latest) return [];
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
