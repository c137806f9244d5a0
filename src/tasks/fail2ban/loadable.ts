import type { Fail2ban, Jail } from '../../probes/fail2ban.ts';
import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import type { Dump } from '../../probes/fail2ban-dump.ts';
import { sentenceList } from '../common/words.ts';
import { effective } from './jail-files.ts';

/** What is known beside the files as they are. */
export interface Loading {
  /** The jail that is judged. */
  readonly name: string;
  readonly dump: Dump;
  readonly files: readonly ConfigFile[];
  /** The jails that run now. */
  readonly running: Fail2ban['jails'];
  /** This run changes the jail's own files, or brings what it needs. */
  readonly mending: boolean;
  /** A file that an earlier task of this run writes. */
  readonly promised: (path: string) => boolean;
  /** A jail that a task judges. */
  readonly managed: (name: string) => boolean;
}

/**
 * Why fail2ban could not run the jail from its files as they are, whatever it runs now: at its next start there would be no
 * jail at all, or this one would do nothing. Undefined if nothing is wrong, or this run mends it.
 */
export function unloadable(loading: Loading): string | undefined {
  const { name, dump, files, running, mending, promised, managed } = loading;
  const mine = (jail: string) => (jail === name ? !mending : !managed(jail));
  if (dump.refusal !== undefined) {
    const [, jail] = /section '([^']*)'/.exec(dump.refusal) ?? [];
    const [path] = /\/etc\/fail2ban\/[^']*/.exec(dump.refusal) ?? [];
    if ((jail !== undefined && !mine(jail)) || (path !== undefined && promised(path))) return undefined;
    return `fail2ban cannot read its files, so it takes over no change and would not start again: ${dump.refusal}; mend what that names`;
  }
  for (const [jail, { skipped, watches, actions }] of dump.jails) {
    if (skipped !== undefined) {
      if (jail === name && !mending)
        return `fail2ban leaves out [${jail}] when it reads its files: ${skipped}; mend that`;
    } else if (!watches && mine(jail)) return logless(jail, files);
    else if (actions.length === 0 && (jail === name || (mending && bansNow(running.get(jail))))) {
      return `no file of fail2ban gives [${jail}] an action, so it bans nobody once they are read again; is /etc/fail2ban/jail.conf empty or cut off? Put back the one of the package`;
    }
  }
  return undefined;
}

const bansNow = (jail: Jail | undefined): boolean => jail !== undefined && jail.actions.length > 0;

/** Jails that fail2ban leaves out, and nobody here judges. */
export const skippedOthers = ({ dump, name, managed }: Loading): string[] =>
  [...dump.jails].flatMap(([jail, { skipped }]) =>
    skipped === undefined || jail === name || managed(jail)
      ? []
      : [`fail2ban leaves out [${jail}] when it reads its files: ${skipped}`],
  );

function logless(jail: string, files: readonly ConfigFile[]): string {
  const logpath = effective(files, jail, 'logpath');
  const set = logpath ?? effective(files, jail, 'enabled');
  const where = set ? ` (${set.path}:${set.line})` : '';
  const what = logpath ? `${sentenceList(logpath.value.split('\n'))} does not exist` : 'it finds no log file';
  return `[${jail}] keeps fail2ban from starting again, with all its jails: ${what}${where}; make the log, or disable that jail`;
}
