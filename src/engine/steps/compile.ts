import { type Sh, sh } from '../../shell/quote.ts';
import type { Change, SyncFail2ban } from '../../tasks/change.ts';
import type { Task } from '../../tasks/task.ts';
import { keepTables } from '../guard.ts';
import { title } from '../title.ts';
import { makeDirectory, removeDirectory, removeFile, setAttributes, writeFile } from './files.ts';
import { loadRules, removeRules } from './load-rules.ts';
import { installPackages, removePackages } from './packages.ts';
import type { Phase, Step } from './step.ts';
import { syncFail2ban } from './sync-fail2ban.ts';
import { controlUnit } from './units.ts';

/** A task and the changes to make for it. */
export interface TaskChanges {
  readonly task: Pick<Task, 'id'>;
  readonly changes: readonly Change[];
  readonly guarded: boolean;
}

function code(change: Change): Sh {
  switch (change.kind) {
    case 'write-file':
      return writeFile(change);
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

const PHASES: readonly Phase[] = ['plain', 'keep', 'guarded', 'confirmed', 'settle'];

/** Whether a change of a guarded task can itself cut the operator off, or only makes another one last. */
const cuts = (change: Change): boolean => change.kind === 'load-rules' || change.kind === 'run-command';

/** A start of fail2ban by itself would take files that nobody has checked: the sync does it, and can put them back. */
function server(change: Change): SyncFail2ban['server'] {
  if (change.kind !== 'control-unit' || change.unit !== 'fail2ban.service') return undefined;
  return SERVER.find((action) => action === change.action);
}

/** The strongest first. */
const SERVER = ['restart', 'reload-or-restart', 'start'] as const;

/** The steps of one wave in the order in which they run. */
export function compile(wave: readonly TaskChanges[]): Step[] {
  const steps: Step[] = [];
  const settling = new Set<string>();
  const syncs: SyncFail2ban[] = [];
  const packages: Packages = { 'install-packages': [], 'remove-packages': [] };
  const all = wave.flatMap(({ changes }) => changes);
  // a server that is about to go takes over nothing, and could not without what was taken from it
  const leaving = all.some(
    (change) => change.kind === 'remove-packages' && change.names.includes('fail2ban'),
  );
  const syncing = all.some(({ kind }) => kind === 'sync-fail2ban');
  for (const { task, changes, guarded } of wave) {
    for (const change of changes) {
      if (change.kind === 'sync-fail2ban') {
        if (leaving) continue;
        settling.add(task.id);
        syncs.push(change);
      } else if (syncing && server(change)) {
        settling.add(task.id);
        syncs.push({ kind: 'sync-fail2ban', jails: [], filters: [], restart: [], server: server(change) });
      } else if (change.kind === 'install-packages' || change.kind === 'remove-packages') {
        packages[change.kind].push({ task: task.id, names: change.names });
      } else {
        const phase = !guarded ? 'plain' : cuts(change) ? 'guarded' : 'confirmed';
        steps.push({ phase, tasks: [task.id], title: title(change), code: code(change) });
      }
    }
  }
  const unforeseeable = wave.filter(
    ({ guarded, changes }) => guarded && changes.some(({ kind }) => kind === 'run-command'),
  );
  if (unforeseeable.length > 0) {
    const tasks = unforeseeable.map(({ task }) => task.id);
    steps.push({ phase: 'keep', tasks, title: 'keep the firewall as it is', code: keepTables });
  }
  for (const kind of ['install-packages', 'remove-packages'] as const) {
    const asked = packages[kind];
    if (asked.length === 0) continue;
    // one transaction of the package manager
    const change = { kind, names: [...new Set(asked.flatMap(({ names }) => names))] };
    steps.push({
      phase: 'plain',
      tasks: asked.map(({ task }) => task),
      title: title(change),
      code: code(change),
    });
  }
  if (syncs.length > 0) {
    const sync = merge(syncs);
    steps.push({ phase: 'settle', tasks: [...settling], title: title(sync), code: code(sync) });
  }
  return steps.sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase));
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
  };
}
