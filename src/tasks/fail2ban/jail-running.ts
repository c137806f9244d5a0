import type { Jail } from '../../probes/fail2ban.ts';
import { parseNetwork } from '../common/network.ts';
import { bansNobody } from './actions.ts';
import { seconds } from './duration.ts';
import { canonicalAddress, closes, ports, type Surroundings, wordsOf } from './jail-settings.ts';
import { type JailParams, readsSshd } from './schema.ts';

/** How a running jail differs from what is wanted. */
export interface RunningDrift {
  readonly reasons: readonly string[];
  /** A reload does not mend it: ports of a ban that is in force, bans the kernel lost. */
  readonly restart: boolean;
}

export function runningDrift(params: JailParams, jail: Jail, host: Surroundings): RunningDrift {
  // what a jail that does nothing is set to is of no interest
  if (jail.started === false)
    return { reasons: ['the jail is listed, but was never started'], restart: false };
  const server: string[] = [];
  for (const key of ['maxretry', 'bantime', 'findtime'] as const) {
    const wanted = key === 'maxretry' ? params.maxretry : seconds(params[key]);
    if (jail[key] !== undefined && jail[key] !== wanted) {
      server.push(`the running server has ${key} ${jail[key]}, wanted ${params[key]}`);
    }
  }
  if (params.logpath && !jail.logpath.includes(params.logpath)) {
    server.push(`the running jail does not watch ${params.logpath}`);
  } else if (jail.logpath.length === 0 && jail.journalmatch.length === 0) {
    server.push('the running jail watches nothing');
  } else if (readsSshd(params) && !watchesSshd(jail)) {
    server.push(
      `the running jail watches ${[...jail.logpath, ...jail.journalmatch].join(', ')}, not the log of sshd`,
    );
  }
  if (params.journalmatch && matches(params.journalmatch) !== matches(jail.journalmatch.join(' + '))) {
    server.push(
      `the running jail reads ${jail.journalmatch.join(' + ') || 'no journal'}, wanted ${params.journalmatch}`,
    );
  }
  const ignored = new Set(jail.ignoreip.map(canonicalAddress));
  const banned = (params.trusted ?? []).filter((address) => !ignored.has(canonicalAddress(address)));
  if (banned.length > 0) server.push(`the running jail would ban ${banned.join(', ')}`);
  const spared = sparedByNobody(jail, params, host);
  if (spared.length > 0) server.push(`the running jail spares ${spared.join(', ')}, as no file says`);
  const { sshPorts = [] } = host;
  const other = jail.actions.find(
    ({ port }) =>
      port !== undefined &&
      (params.port === undefined ? !closes(port, sshPorts) : ports(port) !== ports(params.port)),
  );
  if (other) {
    const wanted = params.port ?? sshPorts.join(',');
    server.push(`the running jail closes the ports ${other.port}, wanted ${wanted}`);
  }
  const idle = jail.actions.every(({ name }) => bansNobody(name));
  if (idle) {
    const names = jail.actions.map(({ name }) => name).join(', ');
    server.push(
      `the running jail bans nobody: ${names === '' ? 'it has no action' : `its action is ${names}`}`,
    );
  }
  // in a jail that is ours as a whole
  const program = params.file === undefined && jail.ignorecommand !== '';
  if (program) server.push(`the running jail lets ${jail.ignorecommand} decide whom it bans`);
  const lost =
    jail.unenforced.length > 0
      ? [
          `banned, but not in the kernel: ${jail.unenforced.slice(0, 5).join(', ')}${jail.unenforced.length > 5 ? ', …' : ''}`,
        ]
      : [];
  return {
    reasons: [...server, ...lost],
    restart: other !== undefined || idle || program || lost.length > 0,
  };
}

/** The host's own log of sshd, in a file or in the journal. */
const watchesSshd = ({ logpath, journalmatch }: Jail): boolean =>
  logpath.some((path) => /\/(auth\.log|secure)$/.test(path)) ||
  journalmatch.some((match) => /\bsshd?\b/.test(match));

/** Addresses that the server spares although neither a file nor the playbook says so. */
function sparedByNobody({ ignoreip }: Jail, { trusted = [] }: JailParams, host: Surroundings): string[] {
  const words = wordsOf(host.ignoreip ?? '');
  // a name or a reference stands for addresses that are not known here
  if (words.some((word) => !parseNetwork(word))) return [];
  const written = new Set([...words, ...trusted, '127.0.0.1/8', '::1'].map(canonicalAddress));
  return ignoreip.filter((address) => parseNetwork(address) && !written.has(canonicalAddress(address)));
}

/** Alternatives of a journal match; their order does not matter. */
const matches = (text: string): string =>
  text
    .split('+')
    .map((match) => match.trim().split(/\s+/).sort().join(' '))
    .sort()
    .join(' + ');
