import { type Sh, sh } from '../../shell/quote.ts';
import type { Change, SyncFail2ban } from '../../tasks/change.ts';
import type { Task } from '../../tasks/task.ts';
import { keepTables } from '../guard.ts';
import { title } from '../title.ts';
import { makeDirectory, setAttributes, writeFile } from './files.ts';
import { loadRules } from './load-rules.ts';
import { installPackages } from './packages.ts';
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
    case 'install-packages':
      return installPackages(change);
    case 'control-unit':
      return controlUnit(change);
    case 'run-command':
      // a shell of its own: the job's functions, variables, umask and `set -e` are none of the user's
      return sh`umask 022; sh -c ${change.command}`;
    case 'load-rules':
      return loadRules(change);
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
  const installing: { task: string; names: readonly string[] }[] = [];
  const syncing = wave.some(({ changes }) => changes.some(({ kind }) => kind === 'sync-fail2ban'));
  for (const { task, changes, guarded } of wave) {
    for (const change of changes) {
      if (change.kind === 'sync-fail2ban') {
        settling.add(task.id);
        syncs.push(change);
      } else if (syncing && server(change)) {
        settling.add(task.id);
        syncs.push({ kind: 'sync-fail2ban', jails: [], filters: [], restart: [], server: server(change) });
      } else if (change.kind === 'install-packages') {
        installing.push({ task: task.id, names: change.names });
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
  if (installing.length > 0) {
    // one transaction of the package manager, where the first of them stood
    const all: Change = {
      kind: 'install-packages',
      names: [...new Set(installing.flatMap(({ names }) => names))],
    };
    steps.push({
      phase: 'plain',
      tasks: installing.map(({ task }) => task),
      title: title(all),
      code: code(all),
    });
  }
  if (syncs.length > 0) {
    const sync = merge(syncs);
    steps.push({ phase: 'settle', tasks: [...settling], title: title(sync), code: code(sync) });
  }
  return steps.sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase));
}

function merge(syncs: readonly SyncFail2ban[]): SyncFail2ban {
  const all = (name: 'jails' | 'filters' | 'restart') => [...new Set(syncs.flatMap((sync) => sync[name]))];
  return {
    kind: 'sync-fail2ban',
    jails: all('jails'),
    filters: all('filters'),
    restart: all('restart'),
    server: SERVER.find((action) => syncs.some((sync) => sync.server === action)),
  };
}
