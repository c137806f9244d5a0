import type { FilterTable } from '../../probes/firewall.ts';
import { words } from './rule.ts';

/** A limited port whose connections never come to INPUT under that port. */
export interface Redirected {
  readonly port: number;
  /** `172.17.0.2:25`, or a port of this host. */
  readonly to: string;
  /** As `iptables-save` prints it, with its chain. */
  readonly rule: string;
}

/** What table nat sends elsewhere of these TCP ports, before INPUT sees it: DNAT (as of containers) and REDIRECT. */
export function redirected(nat: FilterTable, ports: readonly number[]): Redirected[] {
  return reached(nat.chains, 'PREROUTING').flatMap(([chain, spec]) => {
    const all = words(spec);
    const value = (...names: string[]): string | undefined => {
      const at = all.findIndex((word, index) => names.includes(word) && all[index - 1] !== '--comment');
      return at < 0 || all[at - 1] === '!' ? undefined : all[at + 1];
    };
    const protocol = value('-p');
    const target = value('-j');
    if (target !== 'DNAT' && target !== 'REDIRECT') return [];
    if (protocol !== undefined && protocol !== 'tcp' && protocol !== '6') return [];
    if (isPartial(value)) return [];
    const to = value('--to-destination', '--to-ports') ?? 'another port';
    const matched = ports.filter((port) => covers(value('--dport', '--dports'), port));
    return matched
      .filter((port) => !(target === 'REDIRECT' && to === String(port)))
      .map((port) => ({ port, to, rule: `-A ${chain} ${spec}` }));
  });
}

/** Only connections of some sources, of the host itself, or to an address of its own use. */
const isPartial = (value: (...names: string[]) => string | undefined): boolean =>
  value('-s') !== undefined || value('-i') === 'lo' || /^127\./.test(value('-d') ?? '');

/** `25`, `25,587`, `20:30`; every port where none is named. */
const covers = (ports: string | undefined, port: number): boolean =>
  ports === undefined ||
  ports.split(',').some((part) => {
    const [first, last = first] = part.split(':').map(Number);
    return first !== undefined && last !== undefined && first <= port && port <= last;
  });

/** The rules that a packet in this chain can come to, each with its chain. */
function reached(
  chains: FilterTable['chains'],
  chain: string,
  on: readonly string[] = [],
): [chain: string, spec: string][] {
  if (on.includes(chain)) return [];
  return (chains.get(chain) ?? []).flatMap((spec) => {
    const all = words(spec);
    const at = all.findIndex(
      (word, index) => (word === '-j' || word === '-g') && all[index - 1] !== '--comment',
    );
    const to = at < 0 ? undefined : all[at + 1];
    const beyond = to !== undefined && chains.has(to) ? reached(chains, to, [...on, chain]) : [];
    return [[chain, spec] as [string, string], ...beyond];
  });
}
