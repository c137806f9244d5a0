import { type Doors, doorsProbe } from '../probes/doors.ts';
import type { Facts } from '../probes/facts.ts';
import { placeProbe } from '../probes/place.ts';
import { ask, type Observed, type Question } from '../probes/probe.ts';
import { sensitiveProbe } from '../probes/sensitive.ts';
import type { Change, RemoveFile, RestoreFile, WriteFile } from '../tasks/change.ts';
import { heldBack } from '../tasks/common/held-back.ts';
import { sentenceList } from '../tasks/common/words.ts';
import { fileOf, type Key, type PlanContext, type Task, type Verdict } from '../tasks/task.ts';
import { breaksUndoing, cutsOffAmong, isDoorPackage, leftUnread, takesUp } from './door.ts';
import type { Observations } from './observe.ts';

/** What is known of one task: its verdict, with open needs resolved against the other tasks. */
export type Decision = { readonly notes: readonly string[]; readonly reason: string } & (
  | { readonly status: 'ok' | 'blocked' | 'failed' }
  | {
      readonly status: 'change';
      readonly changes: readonly Change[];
      /** It could cut the operator off: the host undoes it unless a new login confirms it. */
      readonly guarded: boolean;
    }
  /** Cannot be known before the task `until` has been applied. */
  | { readonly status: 'unknown'; readonly until: string }
);

export interface Planned {
  readonly task: Task;
  readonly decision: Decision;
}

/** A task that the next wave would apply. */
export type Pending = Planned & { readonly decision: Extract<Decision, { status: 'change' }> };

/** What lets people in on a host. */
export const DOORS = ask(doorsProbe, 'doors' as const);

/** All questions of all tasks, whether what they write could be written, whom it could cut off, and what of it must not be shown. */
export function questionsOf(tasks: readonly Task[], prove: boolean): Question<unknown>[] {
  const ofTasks = tasks.flatMap((task) => [
    ...Object.values(questions(task, prove)).flatMap(
      (question) => question as Question<unknown> | Question<unknown>[],
    ),
    ...(task.type.owns(task.params) as readonly Key[]).flatMap((key) => {
      const path = fileOf(key);
      return path === undefined ? [] : [ask(placeProbe, path)];
    }),
  ]);
  return [DOORS, ...ofTasks, ask(sensitiveProbe, 'all' as const)];
}

const questions = (
  task: Task,
  prove: boolean,
): Readonly<Record<string, Question<unknown> | readonly Question<unknown>[]>> =>
  task.type.questions(task.params, { prove, local: task.local });

function answers(
  task: Task,
  seen: Observations,
  prove: boolean,
): Record<string, Observed<unknown> | Observed<unknown>[]> {
  const get = ({ probe, arg }: Question<unknown>) => seen.get(ask(probe, arg));
  return Object.fromEntries(
    Object.entries(questions(task, prove)).map(([name, asked]) => [
      name,
      Array.isArray(asked) ? asked.map(get) : get(asked as Question<unknown>),
    ]),
  );
}

/**
 * One decision a task, in order. What is to be taken away is planned after everything else and backwards, as it goes: what
 * stands on something goes before it. Pure.
 */
export function plan(tasks: readonly Task[], seen: Observations, facts: Facts, prove: boolean): Planned[] {
  const planned: Planned[] = [];
  let expected = seen;
  const owner = (key: Key): Planned | undefined =>
    planned.find(({ task }) => (task.type.owns(task.params) as readonly Key[]).includes(key));
  const brings = ({ task: { type }, decision }: Planned): boolean =>
    decision.status === 'change' && !type.barrier && !type.removes;
  const promised = (key: Key): boolean => {
    const found = owner(key);
    return found !== undefined && brings(found);
  };
  const promisedIn = (folder: string): Key | undefined =>
    planned
      .filter(brings)
      .flatMap(({ task: { type, params } }) => type.owns(params) as readonly Key[])
      .find((key) => fileOf(key)?.startsWith(`${folder}/`));
  const managed = (key: Key): boolean =>
    tasks.some(({ type, params }) => (type.owns(params) as readonly Key[]).includes(key));
  const leaving = (key: Key): boolean => {
    const found = owner(key);
    return found?.decision.status === 'change' && found.task.type.removes === true;
  };
  const removed = tasks.filter(({ type }) => type.removes).toReversed();
  for (const task of [...tasks.filter(({ type }) => !type.removes), ...removed]) {
    const context: PlanContext = { facts, prove, local: task.local, promised, promisedIn, managed, leaving };
    const verdict = task.type.plan(task.params, answers(task, expected, prove), context) as Verdict;
    const decision = { ...resolve(task, verdict, planned, owner, tasks, seen), notes: verdict.notes ?? [] };
    planned.push({ task, decision });
    if (decision.status === 'change') expected = expected.after(decision.changes);
  }
  planned.sort((a, b) => tasks.indexOf(a.task) - tasks.indexOf(b.task));
  const doors = seen.get(DOORS);
  const torn = tornApart(planned, doors);
  const whole = planned.map(({ task, decision: { notes, ...decision } }): Planned => {
    const reason = torn.get(task);
    return { task, decision: { notes, ...(reason ? { status: 'blocked', reason } : decision) } };
  });
  const cutsOff = cutsOffIn(whole, doors);
  const unread = leftUnread(changesOf(whole), doors);
  return whole.map(({ task, decision }) => {
    if (decision.status !== 'change') return { task, decision };
    const notes = unread
      .filter((path) => decision.changes.some((change) => 'path' in change && change.path === path))
      .map(
        (path) =>
          `sshd goes on with what it read before, so the new login proves nothing of ${path}: let a service task of the unit ssh track it`,
      );
    const guarded = decision.changes.some(cutsOff);
    const waiting = startedByNobody(decision.changes, tasks);
    const { changes, hiding } = keptSecret(decision.changes, seen);
    return {
      task,
      decision: {
        ...decision,
        changes,
        guarded,
        notes: [...decision.notes, ...notes, ...waiting, ...hiding],
      },
    };
  });
}

const changesOf = (planned: readonly Planned[]): Change[] =>
  planned.flatMap(({ decision }) => (decision.status === 'change' ? decision.changes : []));

/** Which of the changes of a plan could cut the operator off, also of those that are applied in several waves. */
export const cutsOffIn = (
  planned: readonly Planned[],
  doors: Observed<Doors>,
): ((change: Change) => boolean) => cutsOffAmong(changesOf(planned), doors);

/**
 * Tasks that a pending command keeps apart although one reads what the other writes, and why they are not applied: nothing would
 * have read the file when the login confirms it, and the guard of what reads it later puts back no file of an earlier wave.
 */
function tornApart(planned: readonly Planned[], doors: Observed<Doors>): ReadonlyMap<Task, string> {
  const torn = new Map<Task, string>();
  const standing = planned.filter(({ task }) => !task.type.removes);
  const foreseen = new Map(planned.map((one) => [one, foreseenOf(one, planned)]));
  const cutsOff = cutsOffAmong([...foreseen.values()].flat(), doors);
  for (const [index, command] of standing.entries()) {
    if (!isToApply(command) || !command.task.type.barrier || command.task.type.type === 'package') continue;
    // a guarded command ends no wave: only what is unknown until it has run comes later
    const sameWave = command.decision.changes.some(cutsOff);
    const later = standing.slice(index + 1).filter((one) => !(sameWave && isToApply(one)));
    for (const above of standing.slice(0, index).filter(isToApply))
      for (const change of above.decision.changes) {
        if (!('path' in change) || !cutsOff(change)) continue;
        const reader = later.find((one) =>
          foreseen.get(one)?.some((next) => takesUp(next, change.path, doors)),
        );
        if (!reader) continue;
        // what is unknown until the command has run cannot stand above it
        const up = isToApply(reader) ? `${reader.task.id} above ${command.task.id}, or ` : '';
        const reason = `${change.path} could cut you off, and ${reader.task.id} has it read only after the command ${command.task.id}, so no login could prove it before: move ${up}${command.task.id} above ${above.task.id}`;
        // the command waits as well: in its place stands that it comes after the file
        for (const one of [above, command, reader]) if (isToApply(one)) torn.set(one.task, reason);
      }
  }
  return torn;
}

/** What a task does, or may turn out to do to what reads files, where it is unknown until a command or an installation has run. */
function foreseenOf(
  { task: { type, params }, decision }: Planned,
  planned: readonly Planned[],
): readonly Change[] {
  if (decision.status === 'change') return decision.changes;
  if (decision.status !== 'unknown') return [];
  const { until } = decision;
  if (!planned.some(({ task }) => task.id === until && task.type.barrier)) return [];
  const relied = ((type.relies?.(params) ?? []) as readonly Key[]).flatMap((key) => fileOf(key) ?? []);
  const isRelied = ({ task }: Planned): boolean =>
    (task.type.owns(task.params) as readonly Key[]).some((key) => relied.includes(fileOf(key) ?? ''));
  // by their paths without links, as changes have them
  const reads = changesOf(planned.filter(isRelied)).flatMap((change) =>
    'path' in change ? [change.path] : [],
  );
  return (type.owns(params) as readonly Key[]).flatMap((key): Change[] => {
    const unit = /^unit:(.*)/.exec(key)?.[1];
    if (unit !== undefined) return [{ kind: 'control-unit', unit, action: 'restart', reads }];
    return key.startsWith('jail:') ? [{ kind: 'sync-fail2ban', jails: [], filters: [], restart: [] }] : [];
  });
}

const isToApply = (one: Planned): one is Pending => one.decision.status === 'change';

/** What a run was told not to show stays hidden where the playbook does not say so any more: the old content still is a secret. */
function keptSecret(
  changes: readonly Change[],
  seen: Observations,
): { readonly changes: readonly Change[]; readonly hiding: readonly string[] } {
  const whySecret = (change: Change): string | undefined =>
    isContent(change) && !change.sensitive ? seen.sensitive(change.path) : undefined;
  return {
    changes: changes.map((change) =>
      isContent(change) && whySecret(change) ? { ...change, sensitive: true } : change,
    ),
    hiding: changes.filter(isContent).flatMap((change) => {
      const why = whySecret(change);
      return why ? [`the content of ${change.path} is not shown: ${why}`] : [];
    }),
  };
}

const isContent = (change: Change): change is WriteFile | RestoreFile | RemoveFile =>
  change.kind === 'write-file' || change.kind === 'restore-file' || change.kind === 'remove-file';

/** Servers that their installation leaves alone, and that no other task starts. */
function startedByNobody(changes: readonly Change[], tasks: readonly Task[]): string[] {
  const relied = new Set<string>(tasks.flatMap(({ type, params }) => type.relies?.(params) ?? []));
  const names = changes
    .flatMap((change) => (change.kind === 'install-packages' ? change.names : []))
    .filter((name) => isDoorPackage(name) && !relied.has(`package:${name}`));
  if (names.length === 0) return [];
  return [
    `the servers of ${sentenceList(names)} could let nobody in, so the installation starts none of them: a service task does, under the guard, or the next boot does, unguarded`,
  ];
}

type Resolved = Decision extends infer D ? (D extends unknown ? Omit<D, 'notes'> : never) : never;

function resolve(
  task: Task,
  verdict: Verdict,
  earlier: readonly Planned[],
  owner: (key: Key) => Planned | undefined,
  all: readonly Task[],
  seen: Observations,
): Resolved {
  const { reason } = verdict;
  const relied = ((task.type.relies?.(task.params) ?? []) as readonly Key[]).flatMap(
    (key) => owner(key) ?? [],
  );
  const unsettled = verdict.verdict === 'needs' || verdict.verdict === 'failed';
  // a barrier that is pending makes every answer below it a guess
  const barrier = relied.find(({ task: { type }, decision }) => type.barrier && isPending(decision));
  if (barrier) return unknownUntil(barrier);
  if (unsettled) {
    const pending = relied.find(({ decision }) => isPending(decision));
    if (pending) return unknownUntil(pending);
  }
  switch (verdict.verdict) {
    case 'change': {
      const needed = verdict.changes.map(breaksUndoing).find((path) => path !== undefined);
      if (needed !== undefined) {
        return {
          status: 'blocked',
          reason: `${needed} is what the host would need to undo a change of it; change it in another way`,
        };
      }
      const held = heldBack(verdict.changes, (path) => seen.held(path));
      if (held !== undefined) return { status: 'blocked', reason: held };
      return { status: 'change', reason, changes: verdict.changes, guarded: false };
    }
    case 'needs': {
      const bringer =
        owner(verdict.key) ??
        earlier.findLast(({ task: { type }, decision }) => type.barrier && isPending(decision));
      if (bringer && isPending(bringer.decision)) return unknownUntil(bringer);
      if (bringer && bringer.decision.status !== 'ok') {
        return {
          status: 'blocked',
          reason: `${reason}, and ${bringer.task.id}, which would bring it, is ${bringer.decision.status}`,
        };
      }
      const below = bringer
        ? undefined
        : all.find(({ type, params }) => (type.owns(params) as readonly Key[]).includes(verdict.key));
      const order = below ? `, and ${below.id}, which would bring it, stands below: move it up` : '';
      return { status: 'blocked', reason: `${reason}${order}` };
    }
    default:
      return { status: verdict.verdict, reason };
  }
}

const isPending = (decision: Decision): boolean =>
  decision.status === 'change' || decision.status === 'unknown';

function unknownUntil({ task, decision }: Planned): Resolved {
  // name the task that is really waited for, not another one that waits too
  const until = decision.status === 'unknown' ? decision.until : task.id;
  return { status: 'unknown', until, reason: `unknown until ${until} has been applied` };
}

/**
 * The changes that can be applied now, in order. A pending barrier ends the wave: what comes after it is planned
 * anew from what the host then is. A command finds all that stands before it applied and settled, so it has a wave of
 * its own. Guarded tasks wait until the packages are there: no installation runs inside a guard's window. They wait, too, for
 * what can only be planned once others have been applied: it may be guarded as well, and one login then confirms both. What is
 * taken away goes last and backwards.
 */
export function nextWave(planned: readonly Planned[]): Pending[] {
  const all = planned.filter(isToApply);
  const pending = all.filter(({ task }) => !task.type.removes);
  if (pending.length === 0) return removalWave(all.toReversed());
  const barriers = pending.filter(({ task, decision }) => task.type.barrier && !decision.guarded);
  const [first] = barriers;
  if (!first) return beforeTheDoor(pending, planned);
  const before = pending.slice(0, pending.indexOf(first));
  const isPackage = ({ task }: Planned) => task.type.type === 'package';
  if (!isPackage(first)) return before.length > 0 ? before : [first];
  // packages do not depend on each other's contents: those that no command comes between are one transaction
  const command = barriers.findIndex((one) => !isPackage(one));
  const plain = before.filter(({ decision }) => !decision.guarded);
  return [...plain, ...barriers.slice(0, command < 0 ? undefined : command)];
}

function beforeTheDoor(pending: readonly Pending[], planned: readonly Planned[]): Pending[] {
  const plain = pending.filter(({ decision }) => !decision.guarded);
  const awaited = planned.some(
    ({ decision }) => decision.status === 'unknown' && plain.some(({ task }) => task.id === decision.until),
  );
  return awaited ? plain : [...pending];
}

/** A command finds taken away what stood on what it made, and nothing else yet. */
function removalWave(leaving: readonly Pending[]): Pending[] {
  const command = leaving.findIndex(({ task }) => task.type.type === 'command');
  if (command < 0) return [...leaving];
  return command === 0 ? leaving.slice(0, 1) : leaving.slice(0, command);
}
