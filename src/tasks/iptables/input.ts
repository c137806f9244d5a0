import type { FilterTable } from '../../probes/firewall.ts';
import { words } from './rule.ts';

/** A rule of INPUT that leads into our chain. */
export interface Jump {
  /** Its place in INPUT, from 1. */
  readonly position: number;
  /** As `iptables-save` prints it, without `-A INPUT`. */
  readonly spec: string;
  /** No condition but the chain: `-j CHAIN`. */
  readonly plain: boolean;
}

/** How INPUT leads into our chain. */
export interface Entry {
  readonly jumps: readonly Jump[];
  /** Rules above the first plain jump that may accept what the chain would have counted. */
  readonly ahead: readonly string[];
}

/** Targets that let no packet past. What INPUT itself returns to is its policy, so RETURN is one in other chains only. */
const HARMLESS = new Set(['DROP', 'REJECT', 'LOG', 'NFLOG']);

/** Where a rule leads: the word after `-j` or `-g`. */
function target(spec: string): string | undefined {
  const all = words(spec);
  const at = all.findIndex(
    (word, index) => (word === '-j' || word === '-g') && all[index - 1] !== '--comment',
  );
  return at < 0 ? undefined : all[at + 1];
}

/**
 * May a rule accept a packet, or end INPUT for it? What it jumps to is looked into: the chains of fail2ban, for one,
 * drop or return. `on` holds the chains on the way there.
 */
function mayAccept(spec: string, chains: FilterTable['chains'], on: readonly string[] = []): boolean {
  const to = target(spec);
  if (to === undefined || HARMLESS.has(to) || (to === 'RETURN' && on.length > 0)) return false;
  const rules = chains.get(to);
  if (!rules || on.includes(to) || words(spec).includes('-g')) return true;
  return rules.some((rule) => mayAccept(rule, chains, [...on, to]));
}

export function readInput({ chains }: FilterTable, chain: string): Entry {
  const input = chains.get('INPUT') ?? [];
  const jumps = input.flatMap((spec, index): Jump[] =>
    target(spec) === chain ? [{ position: index + 1, spec, plain: spec === `-j ${chain}` }] : [],
  );
  const first = jumps.find(({ plain }) => plain);
  const above = first ? input.slice(0, first.position - 1) : [];
  return { jumps, ahead: above.filter((spec) => target(spec) !== chain && mayAccept(spec, chains)) };
}

/** Exactly one jump, without condition, that nothing comes before. */
export const wellPlaced = ({ jumps, ahead }: Entry): boolean =>
  jumps.length === 1 && jumps[0]!.plain && ahead.length === 0;
