import type { FilterTable, FirewallState } from '../../probes/firewall.ts';
import { contains, type Network, parseNetwork } from '../common/network.ts';
import { type Limit, portsOf } from './chain.ts';
import { parseOptions } from './rule.ts';

/** So many new SSH sessions of one source pass within so many seconds; a further one is dropped. */
export interface SessionLimit {
  readonly seconds: number;
  /** At least 1. */
  readonly sessions: number;
}

/** What the rows of a playbook would limit on a port that sshd listens on. */
export const declaredSessions = (limits: readonly Limit[], port: number): SessionLimit[] =>
  limits
    .filter((limit) => limit.protocol === 'tcp' && portsOf(limit, [port]).includes(port))
    .map(({ seconds, hitcount }) => ({ seconds, sessions: hitcount - 1 }));

/**
 * What the kernel limits now, whoever made the rules, for a source that connects to this port; none where its address is
 * let through before. Undefined if the rules could not be looked at.
 */
export function sessionsAdmitted(
  { ipv4, ipv6, sshPorts }: FirewallState,
  source: string,
  port: number,
): SessionLimit[] | undefined {
  const address = parseNetwork(source.replace(/%.*$/, ''));
  if (!address) return undefined;
  // behind a forwarded port the host has another one
  const there = sshPorts.state === 'present' ? sshPorts.value : [];
  const ports = there.length === 0 || there.includes(port) ? [port] : there;
  const { active, other } = address.family === 'ipv4' ? ipv4 : ipv6;
  if (active.state === 'unreadable' || other.state === 'unreadable') return undefined;
  const met = [active, other].flatMap((table) =>
    table.state === 'present' ? counting(table.value, 'INPUT', address, ports).met : [],
  );
  return met.flatMap(({ seconds, hitcount, list }) => {
    if (seconds === undefined || hitcount === undefined) return [];
    // a pair that stands there twice counts every connection twice
    const stamps = met.filter((one) => one.list === list && one.seconds === undefined).length;
    return stamps === 0 ? [] : [{ seconds, sessions: Math.max(1, Math.floor((hitcount - 1) / stamps)) }];
  });
}

/** A rule of `recent` that a connection meets: it records in the list, or drops by it. */
interface Met {
  readonly list: string;
  readonly seconds?: number;
  readonly hitcount?: number;
}

/** The `recent` rules on the way through a chain, up to what ends it for this source. */
function counting(
  table: FilterTable,
  chain: string,
  source: Network,
  ports: readonly number[],
  above: readonly string[] = [],
): { readonly met: Met[]; readonly ended: boolean } {
  const met: Met[] = [];
  for (const spec of table.chains.get(chain) ?? []) {
    const options = parseOptions(spec);
    if (!options) continue;
    const target = options.get('-j') ?? '';
    const [conditions, from] = [options.size - 1, options.get('-s')];
    const rule = recentRule(options, ports);
    if (rule) met.push(rule);
    else if (conditions === 0 && table.chains.has(target) && ![...above, chain].includes(target)) {
      const inner = counting(table, target, source, ports, [...above, chain]);
      met.push(...inner.met);
      if (inner.ended) return { met, ended: true };
    } else if (conditions === 0 || (conditions === 1 && from !== undefined && covers(from, source))) {
      if (target === 'RETURN') return { met, ended: false };
      if (target === 'ACCEPT' || target === 'DROP' || target === 'REJECT') return { met, ended: true };
    }
  }
  return { met, ended: false };
}

function covers(text: string, source: Network): boolean {
  const network = parseNetwork(text);
  return network !== undefined && contains(network, source);
}

/** Of ours or made by hand: what it counts is new connections to these ports, of every source. */
function recentRule(options: ReadonlyMap<string, string>, ports: readonly number[]): Met | undefined {
  const list = options.get('--name');
  const to = (options.get('--dport') ?? options.get('--dports') ?? '').split(',').map(Number);
  if (list === undefined || options.get('-p') !== 'tcp' || options.has('-s') || options.has('-i'))
    return undefined;
  if (!ports.some((port) => to.includes(port))) return undefined;
  if (options.has('--set')) return { list };
  const [seconds, hitcount] = [Number(options.get('--seconds')), Number(options.get('--hitcount'))];
  const drops = options.get('-j') === 'DROP' && (options.has('--update') || options.has('--rcheck'));
  return drops && seconds > 0 && hitcount > 0 ? { list, seconds, hitcount } : undefined;
}
