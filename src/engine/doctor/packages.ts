import type { LockHolder } from '../../probes/apt-locks.ts';
import type { Observed } from '../../probes/probe.ts';
import type { UnitState } from '../../probes/systemd.ts';
import type { UnfinishedPackages } from '../../probes/unfinished-packages.ts';
import { sentenceList } from '../../tasks/common/words.ts';
import { type Finding, judged, notLookedAt, ok, trouble, warning } from './finding.ts';

/** What upgrades by itself. */
export const UPGRADING = ['apt-daily.service', 'apt-daily-upgrade.service'];

const WAIT = 'harden apply waits up to five minutes for it; if it hangs, look at what it is doing there.';

export const aptLock = (
  seen: Observed<readonly LockHolder[]>,
  upgrading: readonly [name: string, Observed<UnitState>][],
): Finding =>
  judged(seen, {
    present: (holders) => {
      const held = holders.map(
        ({ pid, command, locks }) => `${sentenceList(locks)} held by ${command || 'a process'} (pid ${pid})`,
      );
      if (held.length > 0) return warning(held.join('; '), WAIT);
      const busy = upgrading.find(
        ([, unit]) => unit.state === 'present' && ['active', 'activating'].includes(unit.value.activeState),
      );
      return busy ? warning(`${busy[0]} is at work`, WAIT) : ok('free');
    },
  });

/** As many as a line holds. */
const several = (items: readonly string[], most = 4): readonly string[] =>
  items.length <= most + 1 ? items : [...items.slice(0, most), `${items.length - most} more`];

export function dpkg(seen: Observed<UnfinishedPackages>, holders: Observed<readonly LockHolder[]>): Finding {
  // in the middle of an installation packages are half installed
  if (holders.state === 'present' && holders.value.length > 0) return notLookedAt('apt or dpkg is at work');
  return judged(seen, {
    present: ({ packages, broken, interrupted }) => {
      if (broken.length > 0)
        return trouble(
          `dpkg wants ${sentenceList(broken)} installed again before anything else`,
          `Run apt-get install --reinstall ${broken.join(' ')}, or dpkg --remove --force-remove-reinstreq for what can go.`,
        );
      if (packages.length === 0 && !interrupted) return ok('every package is whole');
      const what =
        packages.length > 0
          ? sentenceList(several(packages.map(({ name, status }) => `${name} is ${status}`)))
          : 'its records are not written to the end';
      return warning(
        `dpkg was interrupted: ${what}`,
        'dpkg --configure -a finishes it; harden apply does so before it installs anything.',
      );
    },
  });
}
