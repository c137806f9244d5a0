import { type Sh, sh } from '../../shell/quote.ts';
import type { Change, SyncFail2ban } from '../../tasks/change.ts';
import type { Task } from '../../tasks/task.ts';
import { isDoor } from '../door.ts';
import { armGuard } from '../guard.ts';
import { title } from '../title.ts';
import {
  makeDirectory,
  removeDirectory,
  removeFile,
  restoreFile,
  setAttributes,
  writeFile,
} from './files.ts';
import { loadRules, removeRules } from './load-rules.ts';
import { installPackages, removePackages } from './packages.ts';
import type { Phase, Step } from './step.ts';
import { syncFail2ban } from './sync-fail2ban.ts';
import { controlUnit, trySshd } from './units.ts';

/** A task and the changes to make for it. */
export interface TaskChanges {
  readonly task: Pick<Task, 'id'>;
  readonly changes: readonly Change[];
}

function code(change: Change): Sh {
  switch (change.kind) {
    case 'write-file':
      return writeFile(change);
    case 'restore-file':
      return restoreFile(change);
    case 'set-attributes':
      return setAttributes(change);
    case 'make-directory':
      return makeDirectory(change);
    case 'remove-file':
      return removeFile(change);
    case 'remove-directory':
      return removeDirectory(change);
    case 'install-packages':
      return installPackages(change);
    case 'remove-packages':
      return removePackages(change);
    case 'control-unit':
      return controlUnit(change);
    case 'run-command':
      // a shell of its own: the job's functions, variables, umask and `set -e` are none of the user's
      return sh`umask 022; sh -c ${change.command}`;
    case 'load-rules':
      return loadRules(change);
    case 'remove-rules':
      return removeRules(change);
    case 'sync-fail2ban':
      return syncFail2ban(change);
  }
}

const PHASES: readonly Phase[] = ['plain', 'arm', 'guarded', 'settle', 'confirmed'];

/**
 * The phase of a change of a guarded task. What belongs to rules reaches the disk only after the login that confirms
 * them, so that a restart rescues as well; and what the host could not undo waits for it.
 */
function phaseOf(change: Change, changes: readonly Change[], cutsOff: (change: Change) => boolean): Phase {
  if (change.kind === 'remove-rules') return 'confirmed';
  return changes.some(({ kind }) => kind === 'load-rules') && !cutsOff(change) ? 'confirmed' : 'guarded';
}

const ofFail2ban = (change: Change): boolean =>
  change.kind === 'sync-fail2ban' ||
  (change.kind === 'control-unit' && change.unit === 'fail2ban.service') ||
  ('path' in change && change.path.startsWith('/etc/fail2ban/'));

/** A start of fail2ban by itself would take files that nobody has checked: the sync does it, and can put them back. */
function server(change: Change): SyncFail2ban['server'] {
  if (change.kind !== 'control-unit' || change.unit !== 'fail2ban.service') return undefined;
  return SERVER.find((action) => action === change.action);
}

/** The strongest first. */
const SERVER = ['restart', 'reload-or-restart', 'start'] as const;

/** One wave as a job carries it out. */
export interface Work {
  /** In the order in which they run. */
  readonly steps: readonly Step[];
  /** What the host undoes unless a new login confirms it. */
  readonly guarded: readonly Change[];
}

/** What is known of changes and the host's doors together. */
export interface Dangers {
  /** Whether a change needs the guard. */
  readonly cutsOff: (change: Change) => boolean;
  /** Of changes that are made together the paths of sshd's configuration that none of them makes it read. */
  readonly leftUnread: (all: readonly Change[]) => readonly string[];
}

/** The work of one wave. */
export function compile(wave: readonly TaskChanges[], { cutsOff, leftUnread }: Dangers): Work {
  const steps: Step[] = [];
  const guarded: Change[] = [];
  const guardedTasks: string[] = [];
  const settling = new Set<string>();
  const syncs: SyncFail2ban[] = [];
  const packages: Packages = { 'install-packages': [], 'remove-packages': [] };
  const all = wave.flatMap(({ changes }) => changes);
  // a server that is about to go takes over nothing, could not without what was taken from it, and cuts nobody off
  const leaving = all.some(
    (change) => change.kind === 'remove-packages' && change.names.includes('fail2ban'),
  );
  const syncing = all.some(({ kind }) => kind === 'sync-fail2ban');
  for (const { task, changes } of wave) {
    const cuts = changes.some((change) => cutsOff(change) && !(leaving && ofFail2ban(change)));
    if (cuts) guardedTasks.push(task.id);
    for (const change of changes) {
      if (change.kind === 'sync-fail2ban') {
        if (leaving) continue;
        settling.add(task.id);
        syncs.push(change);
        guarded.push(change);
      } else if (syncing && !leaving && server(change)) {
        settling.add(task.id);
        syncs.push({ kind: 'sync-fail2ban', jails: [], filters: [], restart: [], server: server(change) });
      } else if (change.kind === 'install-packages' || change.kind === 'remove-packages') {
        packages[change.kind].push({ task: task.id, names: change.names });
      } else {
        const last = leaving && ofFail2ban(change);
        const phase = !cuts ? 'plain' : last ? 'confirmed' : phaseOf(change, changes, cutsOff);
        const partial = change.kind === 'run-command' || change.kind === 'control-unit';
        // nobody gets in by a door that may not be there
        const strict =
          change.kind === 'control-unit' && isDoor(change.unit) ? { ...change, lenient: false } : change;
        if (phase === 'guarded') guarded.push(change);
        steps.push({ phase, tasks: [task.id], title: title(change), code: code(strict), partial });
      }
    }
  }
  const unread = new Set(leftUnread(all));
  if (unread.size > 0) {
    const writes = (change: Change) => 'path' in change && unread.has(change.path);
    steps.push({
      phase: 'guarded',
      tasks: wave.flatMap(({ task, changes }) => (changes.some(writes) ? [task.id] : [])),
      title: "try sshd's configuration",
      code: trySshd,
      partial: true,
    });
  }
  if (guarded.length > 0) {
    steps.push({
      phase: 'arm',
      tasks: guardedTasks,
      title: 'make ready to undo what follows',
      code: armGuard(guarded),
    });
  }
  for (const kind of ['install-packages', 'remove-packages'] as const) {
    const asked = packages[kind];
    if (asked.length === 0) continue;
    // one transaction of the package manager
    const change = { kind, names: [...new Set(asked.flatMap(({ names }) => names))] };
    // what is purged nobody can bring back
    const last = kind === 'remove-packages' && asked.some(({ task }) => guardedTasks.includes(task));
    steps.push({
      phase: last ? 'confirmed' : 'plain',
      tasks: asked.map(({ task }) => task),
      title: title(change),
      code: code(change),
    });
  }
  if (syncs.length > 0) {
    const sync = merge(syncs);
    steps.push({ phase: 'settle', tasks: [...settling], title: title(sync), code: code(sync) });
  }
  return { steps: steps.sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase)), guarded };
}

type Packages = Record<
  'install-packages' | 'remove-packages',
  { readonly task: string; readonly names: readonly string[] }[]
>;

function merge(syncs: readonly SyncFail2ban[]): SyncFail2ban {
  const all = (name: 'jails' | 'gone' | 'filters' | 'restart') => [
    ...new Set(syncs.flatMap((sync) => sync[name] ?? [])),
  ];
  return {
    kind: 'sync-fail2ban',
    jails: all('jails'),
    gone: all('gone'),
    filters: all('filters'),
    restart: all('restart'),
    server: SERVER.find((action) => syncs.some((sync) => sync.server === action)),
    lenient: syncs.some(({ lenient }) => lenient),
  };
}
