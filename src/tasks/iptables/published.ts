import type { Family, FilterTable } from '../../probes/firewall.ts';
import { listOf, parseOptions } from './rule.ts';

/** A rule of INPUT, made by hand after the published guide, that counts into a list of ours or drops by one. */
export interface PublishedRule {
  /** Its place in INPUT, from 1. */
  readonly position: number;
  /** As `iptables-save` prints it, without `-A INPUT`. */
  readonly spec: string;
  readonly list: string;
}

const PARTS =
  /^(-p|-j|-m (tcp|udp|icmp|icmp6|ipv6-icmp|multiport|state|conntrack|recent)|--dports?|--state|--ctstate|--icmp-type|--icmpv6-type|--set|--update|--rcheck|--seconds|--hitcount|--name|--mask|--rsource)$/;

const FULL_MASK = ['255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];

/** Whether a rule does nothing else than half of such a pair does: no source, no interface, no other target. */
function isPublished(spec: string): boolean {
  const options = parseOptions(spec);
  if (!options?.has('-p') || ![...options.keys()].every((name) => PARTS.test(name))) return false;
  const is = (name: string, values: readonly string[]) => values.includes(options.get(name) ?? values[0]!);
  return is('-j', ['DROP']) && is('--mask', FULL_MASK) && is('--state', ['NEW']) && is('--ctstate', ['NEW']);
}

/** The rules of INPUT that ours stand for: with both, every connection counts twice and half as many pass. */
export function publishedRules({ chains }: FilterTable, lists: readonly string[]): PublishedRule[] {
  return (chains.get('INPUT') ?? []).flatMap((spec, index) => {
    const list = listOf(spec);
    const ours = list !== undefined && lists.includes(list) && isPublished(spec);
    return ours ? [{ position: index + 1, spec, list }] : [];
  });
}

/** What a person reads of them, one rule a line. */
export const nameRules = (rules: readonly PublishedRule[], family: Family): string[] =>
  rules.map(({ spec }) => `${family}: made by hand: -A INPUT ${spec}`);
