import { raw, type Sh } from '../../shell/quote.ts';
import type { Change, SyncFail2ban } from '../../tasks/change.ts';
import type { Task } from '../../tasks/task.ts';
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

/** What a change does, in a few words. */
export function title(change: Change): string {
  switch (change.kind) {
    case 'write-file':
      return `write ${change.path}`;
    case 'set-attributes':
      return `${change.path}: ${change.summary}`;
    case 'make-directory':
      return `make ${change.path}`;
    case 'install-packages':
      return `install ${change.names.join(' ')}`;
    case 'control-unit':
      return `${change.action} ${change.unit}`;
    case 'run-command':
      return `run ${change.command}`;
    case 'load-rules':
      return `load the ${change.family === 'ipv4' ? 'IPv4' : 'IPv6'} rules`;
    case 'sync-fail2ban':
      return 'let fail2ban take over its files';
  }
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
      // the user's own text, meant as code
      return raw(change.command);
    case 'load-rules':
      return loadRules(change);
    case 'sync-fail2ban':
      return syncFail2ban(change);
  }
}

const PHASES: readonly Phase[] = ['plain', 'guarded', 'confirmed', 'settle'];

/** Whether a change of a guarded task can itself cut the operator off, or only makes another one last. */
const cuts = (change: Change): boolean => change.kind === 'load-rules' || change.kind === 'run-command';

/** A start of fail2ban by itself would take files that nobody has checked: the sync does it, and can put them back. */
const starts = (change: Change): boolean =>
  change.kind === 'control-unit' &&
  change.unit === 'fail2ban.service' &&
  ['start', 'restart', 'reload-or-restart'].includes(change.action);

/** The steps of one wave in the order in which they run. */
export function compile(wave: readonly TaskChanges[]): Step[] {
  const steps: Step[] = [];
  const settling = new Set<string>();
  const syncs: SyncFail2ban[] = [];
  const syncing = wave.some(({ changes }) => changes.some(({ kind }) => kind === 'sync-fail2ban'));
  for (const { task, changes, guarded } of wave) {
    for (const change of changes) {
      if (change.kind === 'sync-fail2ban') {
        settling.add(task.id);
        syncs.push(change);
      } else if (syncing && starts(change)) {
        settling.add(task.id);
        syncs.push({ kind: 'sync-fail2ban', jails: [], filters: [], restart: [], start: true });
      } else {
        const phase = !guarded ? 'plain' : cuts(change) ? 'guarded' : 'confirmed';
        steps.push({ phase, tasks: [task.id], title: title(change), code: code(change) });
      }
    }
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
    start: syncs.some(({ start = false }) => start),
  };
}
