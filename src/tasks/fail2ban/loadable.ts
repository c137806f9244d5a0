import type { Fail2ban } from '../../probes/fail2ban.ts';
import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import type { Dump } from '../../probes/fail2ban-dump.ts';
import type { Observed } from '../../probes/probe.ts';
import { blocked, type Obstacle, unseen } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import type { PlanContext } from '../task.ts';
import { effective } from './jail-files.ts';

/** What fail2ban makes of its files, and what is known beside it. */
export interface Loading {
  readonly dump: Dump;
  readonly files: readonly ConfigFile[];
  /** The jails that run now. */
  readonly running: Fail2ban['jails'];
  /** A file that an earlier task of this run writes. */
  readonly promised: (path: string) => boolean;
  /** A jail that a task judges. */
  readonly managed: (name: string) => boolean;
}

/** Of answers that are there, or say that fail2ban is not. */
export const loadingOf = (
  dump: Observed<Dump>,
  files: Observed<readonly ConfigFile[]>,
  server: Observed<Fail2ban>,
  { promised, managed }: Pick<PlanContext, 'promised' | 'managed'>,
): Loading => ({
  dump: dump.state === 'present' ? dump.value : { jails: new Map() },
  files: files.state === 'present' ? files.value : [],
  running: server.state === 'present' ? server.value.jails : new Map(),
  promised: (path) => promised(`file:${path}`),
  managed: (name) => managed(`jail:${name}`),
});

/**
 * Why fail2ban could not take over its files as they are, whatever it runs now: at its next start or reload there would be no
 * jail at all. Undefined if nothing is wrong, or it lies in jails that are `spared`: this run mends them, or another task
 * judges them.
 */
export function unloadable(
  { dump, files, promised, managed }: Loading,
  spared: (jail: string) => boolean = managed,
): string | undefined {
  // what an earlier task of this run writes there may mend it
  if (files.some(({ path }) => promised(path))) return undefined;
  if (dump.refusal !== undefined) {
    const [, jail] = /section '([^']*)'/.exec(dump.refusal) ?? [];
    const [path] = /\/etc\/fail2ban\/[^']*/.exec(dump.refusal) ?? [];
    if ((jail !== undefined && spared(jail)) || (path !== undefined && promised(path))) return undefined;
    return `fail2ban cannot read its files, so it takes over no change and would not start again: ${dump.refusal}; mend what that names`;
  }
  for (const [jail, { skipped, refused, watches }] of dump.jails) {
    if (skipped !== undefined || spared(jail)) continue;
    if (!watches) return logless(jail, files);
    if (refused !== undefined)
      return `fail2ban cannot take [${jail}] from its files (${refused}), and once it reads them again no jail runs any more; mend that`;
  }
  return undefined;
}

/** What stands in the way of a start or a reload for the sake of others than a jail: of the files as they are, or of what runs. */
export function notTakenOver(
  dump: Observed<Dump>,
  ...rest: [Observed<readonly ConfigFile[]>, Observed<Fail2ban>, Pick<PlanContext, 'promised' | 'managed'>]
): Obstacle | undefined {
  if (dump.state === 'unreadable') return unseen('what fail2ban makes of its files', dump);
  const loading = loadingOf(dump, ...rest);
  const unfit = unloadable(loading) ?? lostByReload(loading);
  return unfit ? blocked(unfit) : undefined;
}

/** Why this jail would do nothing although fail2ban can take over its files; `mending` if this run changes its own. */
export function idle({ dump }: Loading, name: string, mending: boolean): string | undefined {
  const jail = dump.jails.get(name);
  if (!jail) return undefined;
  if (jail.skipped !== undefined)
    return mending
      ? undefined
      : `fail2ban leaves out [${name}] when it reads its files: ${jail.skipped}; mend that`;
  return jail.actions.length === 0 ? actionless(name) : undefined;
}

/** What running jails would lose once fail2ban reads its files. */
export function lostByReload({ dump, running, managed }: Loading): string | undefined {
  for (const [jail, { skipped, actions }] of dump.jails) {
    const now = running.get(jail);
    if (!now) continue;
    if (skipped === undefined && actions.length === 0 && now.actions.length > 0) return actionless(jail);
    if (skipped !== undefined && !managed(jail))
      return `[${jail}] runs, and fail2ban leaves it out once it reads its files: ${skipped}; mend that, or disable it there`;
  }
  return undefined;
}

const actionless = (jail: string): string =>
  `no file of fail2ban gives [${jail}] an action, so it bans nobody once they are read again; is /etc/fail2ban/jail.conf empty or cut off? Put back the one of the package`;

/** Jails that fail2ban leaves out, and no task judges. */
export const skippedOthers = ({ dump, managed }: Loading): string[] =>
  [...dump.jails].flatMap(([jail, { skipped }]) =>
    skipped === undefined || managed(jail)
      ? []
      : [`fail2ban leaves out [${jail}] when it reads its files: ${skipped}`],
  );

function logless(jail: string, files: readonly ConfigFile[]): string {
  const logpath = effective(files, jail, 'logpath');
  const set = logpath ?? effective(files, jail, 'enabled');
  const where = set ? ` (${set.path}:${set.line})` : '';
  const what = logpath ? `${sentenceList(logpath.value.split('\n'))} does not exist` : 'it finds no log file';
  return `[${jail}] keeps fail2ban from starting again, with all its jails: ${what}${where}; make the log, let the jail read the journal (backend = systemd), or disable it`;
}
