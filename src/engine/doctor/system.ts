import type { Facts } from '../../probes/facts.ts';
import type { InitState } from '../../probes/init.ts';
import type { Observed } from '../../probes/probe.ts';
import type { Space } from '../../probes/space.ts';
import type { UnitState } from '../../probes/systemd.ts';
import { STATE } from '../../shell/records.ts';
import { sentenceList } from '../../tasks/common/words.ts';
import { UNIT as LIMITS_UNIT } from '../../tasks/iptables/persisted.ts';
import { unsupported } from '../supported.ts';
import { type Finding, judged, ok, together, trouble, warning } from './finding.ts';

/** What each unit that has failed comes to. Those of others are none of our business. */
const MATTERS: Readonly<{ [unit: string]: { readonly means: string; readonly todo: string } }> = {
  'ssh.service': {
    means: 'new logins may not be possible any more',
    todo: 'Keep a session open, look at journalctl -u ssh and sshd -t, and start it again.',
  },
  'fail2ban.service': {
    means: 'nobody is banned',
    todo: 'Look at journalctl -u fail2ban and fail2ban-client -t; harden check says what it would mend.',
  },
  [LIMITS_UNIT]: {
    means: 'the connection limits were not loaded at boot',
    todo: `Look at journalctl -u ${LIMITS_UNIT}; harden apply loads the limits.`,
  },
};
export const UNITS_THAT_MATTER = Object.keys(MATTERS);

/** What keeps a clock right: one of them is enough. */
export const CLOCK_UNITS = [
  'systemd-timesyncd.service',
  'chrony.service',
  'ntpsec.service',
  'ntp.service',
  'openntpd.service',
];

export const init = (seen: Observed<InitState>): Finding =>
  judged(seen, {
    absent: () =>
      trouble(
        'systemd is not process 1',
        'harden works through systemd: boot the host with it, or leave the host out (--limit).',
      ),
    present: ({ version, state }) => {
      const systemd = `systemd ${version}`;
      if (state === 'running' || state === 'degraded') return ok(`${systemd}, ${state}`);
      return warning(
        `${systemd} is ${state || 'in a state that it does not tell'}, so what is looked at now may soon be otherwise`,
        'Wait until systemctl is-system-running says running or degraded.',
      );
    },
  });

export const distribution = (seen: Observed<Facts>): Finding =>
  judged(seen, {
    present: (facts) => {
      // systemd has a line of its own
      const unknown = unsupported({ ...facts, systemd: true });
      if (!unknown) return ok(`${facts.distribution} ${facts.release}`);
      return trouble(
        `it ${unknown}`,
        'Upgrade it to one of these, or leave the host out (--limit): harden refuses it before it does anything.',
      );
    },
  });

/** Seconds that a clock may be off. */
const TOLERANCE = 120;

/** By this machine's clock, in seconds: when the question was sent, and when the answer was there. */
export interface Asked {
  readonly sent: number;
  readonly received: number;
}

/** The host looked at its clock at some time between question and answer: only what lies outside is certainly off. */
export const clock = (
  seen: Observed<number>,
  { sent, received }: Asked,
  keepers: readonly [name: string, Observed<UnitState>][],
): Finding =>
  judged(seen, {
    present: (host) => {
      const off = host > received ? host - received : host < sent ? host - sent : 0;
      const running = keepers.find(
        ([, unit]) => unit.state === 'present' && unit.value.activeState === 'active',
      );
      const unknown = keepers.some(([, unit]) => unit.state === 'unreadable');
      const kept = running ? `; ${running[0]} runs` : unknown ? '' : '; nothing keeps it right';
      if (Math.abs(off) <= TOLERANCE) return ok(`it agrees with this machine's${kept}`);
      return warning(
        `it is ${duration(Math.abs(off))} ${off > 0 ? 'ahead of' : 'behind'} this machine's${kept}`,
        `Certificates, apt and the times in logs rely on it, so find out which of the two is right. ${
          running ? `Look at ${running[0]}` : 'Install systemd-timesyncd or chrony'
        } on the one that is not.`,
      );
    },
  });

const UNITS: readonly [seconds: number, name: string][] = [
  [86400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** `3 days`: the largest unit that gives at least two of it. */
function duration(seconds: number): string {
  const [size, name] = UNITS.find(([one]) => seconds >= 2 * one) ?? [1, 'second'];
  return `${Math.round(seconds / size)} ${name}s`;
}

/** `inside` is what systemd does not know of one of them. */
export const services = (units: readonly [name: string, Observed<UnitState>][], inside: Finding): Finding => {
  const findings = units.map(([name, seen]) =>
    judged(seen, {
      absent: () => ok(''),
      present: ({ activeState }) => {
        const matter = MATTERS[name];
        return activeState === 'failed' && matter
          ? warning(`${name} has failed: ${matter.means}`, matter.todo)
          : ok('');
      },
    }),
  );
  return together(
    [...findings, inside],
    ok(`none of ${sentenceList(units.map(([name]) => name))} has failed`),
  );
};

/** Where harden, apt and fail2ban write. */
export const WRITTEN = [STATE, '/etc', '/var', '/tmp'];

const MIB = 1024 ** 2;
/** Below the first nothing is certain to fit, below the second no packages. */
const ROOM = { bytes: [16 * MIB, 256 * MIB], inodes: [200, 5000] } as const;

export const disk = (seen: readonly [path: string, Observed<Space>][]): Finding => {
  const findings = seen.map(([path, one]) => judged(one, { present: (space) => room(path, space) }));
  const mounts = new Map(
    seen.flatMap(([, one]) => (one.state === 'present' ? [[one.value.mount, one.value.free] as const] : [])),
  );
  const free = [...mounts].map(([mount, bytes]) => `${size(bytes)} on ${mount}`);
  return together(findings, ok(`free: ${free.join(', ')}`));
};

function room(
  path: string,
  { mount, free, freeInodes = Number.POSITIVE_INFINITY, writable }: Space,
): Finding {
  const place = path === mount ? path : `${path} (on ${mount})`;
  if (!writable)
    return trouble(
      `${place} is read-only`,
      'Look at dmesg for errors of the disk and at /etc/fstab, then mount it writable.',
    );
  const judge = free < ROOM.bytes[0] || freeInodes < ROOM.inodes[0] ? trouble : warning;
  if (free >= ROOM.bytes[1] && freeInodes >= ROOM.inodes[1]) return ok('');
  const left = free < ROOM.bytes[1] ? `${size(free)} left` : `room for ${freeInodes} more files`;
  return judge(
    `${place} has ${left}`,
    'Make room: journalctl --vacuum-size=100M and apt-get clean are the usual first steps.',
  );
}

const size = (bytes: number): string =>
  bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${Math.floor(bytes / MIB)} MiB`;
