import type { Jail } from '../../probes/fail2ban.ts';
import { seconds } from './duration.ts';
import { canonicalAddress, ports } from './jail-settings.ts';
import type { JailParams } from './schema.ts';

/** How a running jail differs from what is wanted. */
export interface RunningDrift {
  readonly reasons: readonly string[];
  /** A reload does not mend it: ports of a ban that is in force, bans the kernel lost. */
  readonly restart: boolean;
}

export function runningDrift(params: JailParams, jail: Jail): RunningDrift {
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
  }
  if (params.journalmatch && matches(params.journalmatch) !== matches(jail.journalmatch.join(' + '))) {
    server.push(
      `the running jail reads ${jail.journalmatch.join(' + ') || 'no journal'}, wanted ${params.journalmatch}`,
    );
  }
  const ignored = new Set(jail.ignoreip.map(canonicalAddress));
  const banned = (params.trusted ?? []).filter((address) => !ignored.has(canonicalAddress(address)));
  if (banned.length > 0) server.push(`the running jail would ban ${banned.join(', ')}`);
  const other = jail.actions.find(
    ({ port }) => params.port !== undefined && port !== undefined && ports(port) !== ports(params.port),
  );
  if (other) server.push(`the running jail closes the ports ${other.port}, wanted ${params.port}`);
  const lost =
    jail.unenforced.length > 0
      ? [
          `banned, but not in the kernel: ${jail.unenforced.slice(0, 5).join(', ')}${jail.unenforced.length > 5 ? ', …' : ''}`,
        ]
      : [];
  return { reasons: [...server, ...lost], restart: other !== undefined || lost.length > 0 };
}

/** Alternatives of a journal match; their order does not matter. */
const matches = (text: string): string =>
  text
    .split('+')
    .map((match) => match.trim().split(/\s+/).sort().join(' '))
    .sort()
    .join(' + ');
