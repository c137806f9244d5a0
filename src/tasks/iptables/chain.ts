import type { Family } from '../../probes/firewall.ts';
import { parseNetwork } from '../common/network.ts';
import { type Rule, sortedPorts, type Traffic } from './rule.ts';

/** One row of the task: so many new connections (or pings) of one source within so many seconds. */
export interface Limit {
  readonly name: string;
  readonly name6?: string;
  readonly protocol: 'icmp' | 'tcp' | 'udp';
  readonly ports?: readonly number[] | 'ssh';
  readonly seconds: number;
  readonly hitcount: number;
}

/** Do the row's ports come from the host's sshd? A row that is named for SSH and gives none means that. */
export const followsSshd = ({ protocol, ports, name }: Limit): boolean =>
  ports === 'ssh' || (ports === undefined && protocol === 'tcp' && /ssh/i.test(name));

/** The list of a row; IPv6 has its own, because rules of both families with one name share one list. */
export const listName = ({ name, name6 }: Limit, family: Family): string =>
  family === 'ipv4' ? name : (name6 ?? `${name}6`);

/** The ports of a row; none for icmp. */
export function portsOf(limit: Limit, sshPorts: readonly number[]): readonly number[] {
  if (limit.protocol === 'icmp') return [];
  return followsSshd(limit) ? sshPorts : ((limit.ports ?? []) as readonly number[]);
}

/** All rules of our chain in one family, in order. */
export function chainRules(
  limits: readonly Limit[],
  trusted: readonly string[],
  family: Family,
  sshPorts: readonly number[],
): Rule[] {
  const networks = trusted
    .map(parseNetwork)
    .filter((network) => network?.family === family)
    .map((network) => network!.text);
  return [
    { kind: 'loopback' },
    ...[...new Set(networks)].map((network): Rule => ({ kind: 'trusted', network })),
    ...limits.flatMap((limit): Rule[] => {
      const { protocol, seconds, hitcount } = limit;
      const list = listName(limit, family);
      const traffic: Traffic =
        protocol === 'icmp' ? { protocol } : { protocol, ports: sortedPorts(portsOf(limit, sshPorts)) };
      return [
        { kind: 'record', list, traffic },
        { kind: 'drop', list, traffic, seconds, hitcount },
      ];
    }),
  ];
}

/** Would the row count connections to sshd? */
export const coversSsh = (limit: Limit, sshPorts: readonly number[]): boolean =>
  limit.protocol === 'tcp' && portsOf(limit, sshPorts).some((port) => sshPorts.includes(port));

/** With fewer, one retry of a slow login is enough to be shut out. */
const LEAST_SSH_HITCOUNT = 4;

/** Why a row would lock operators out of SSH; undefined if it would not. */
export function tooFewSessions(limit: Limit, sshPorts: readonly number[]): string | undefined {
  const { name, hitcount } = limit;
  if (hitcount >= LEAST_SSH_HITCOUNT || !coversSsh(limit, sshPorts)) return undefined;
  return `${name} limits SSH and must admit at least three sessions: its hitcount is ${hitcount}, and ${LEAST_SSH_HITCOUNT} is the least`;
}
