import type { Fail2ban } from '../../probes/fail2ban.ts';
import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import type { Dump } from '../../probes/fail2ban-dump.ts';
import { type Observed, present } from '../../probes/probe.ts';
import { loadingOf, lostByReload, skippedOthers, unloadable } from '../../tasks/fail2ban/loadable.ts';
import { type Finding, judged, ok, together, trouble, warning } from './finding.ts';

/** Whether fail2ban answers, and could be started again from its files: systemd knows neither. */
export function fail2ban(
  server: Observed<Fail2ban>,
  dump: Observed<Dump>,
  files: Observed<readonly ConfigFile[]>,
): Finding {
  const well = ok('fail2ban answers');
  const answers =
    server.state === 'unreadable'
      ? trouble(
          `fail2ban could not be asked: ${server.why}`,
          'Look at journalctl -u fail2ban; until it answers, what harden does with it fails.',
        )
      : well;
  const loads = judged(dump, {
    absent: () => well,
    present: (seen) => {
      // of all jails, whoever they belong to
      const loading = loadingOf(present(seen), files, server, {
        managed: () => false,
        promised: () => false,
      });
      const unfit = unloadable(loading) ?? lostByReload(loading);
      const wrong = [...(unfit ? [unfit] : []), ...skippedOthers(loading)];
      return wrong.length === 0 ? well : warning(wrong.join('; '), 'harden doctor says when it is mended.');
    },
  });
  return together([answers, loads], well);
}
