import type { Fail2ban } from '../../probes/fail2ban.ts';
import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import type { Dump } from '../../probes/fail2ban-dump.ts';
import type { Observed } from '../../probes/probe.ts';
import { type Loading, skippedOthers, unloadable } from '../../tasks/fail2ban/loadable.ts';
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
      const loading: Loading = {
        // of all jails, whoever they belong to
        name: '',
        managed: () => false,
        promised: () => false,
        mending: true,
        dump: seen,
        files: files.state === 'present' ? files.value : [],
        running: server.state === 'present' ? server.value.jails : new Map(),
      };
      const unfit = unloadable(loading);
      const wrong = [...(unfit ? [unfit] : []), ...skippedOthers(loading)];
      return wrong.length === 0
        ? well
        : warning(wrong.join('; '), 'fail2ban-client -t says when it is mended.');
    },
  });
  return together([answers, loads], well);
}
