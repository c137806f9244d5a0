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

const HARMLESS = new Set(['DROP', 'REJECT', 'LOG', 'NFLOG']);

/** Where a rule leads: the word after `-j` or `-g`. */
function target(spec: string): string | undefined {
  const all = words(spec);
  const at = all.findIndex(
    (word, index) => (word === '-j' || word === '-g') && all[index - 1] !== '--comment',
  );
  return at < 0 ? undefined : all[at + 1];
}

/** A rule that cannot let a packet past: it drops, logs or only counts. fail2ban's chains drop or return. */
function mayAccept(spec: string): boolean {
  const to = target(spec);
  return to !== undefined && !HARMLESS.has(to) && !to.startsWith('f2b-');
}

export function readInput(input: readonly string[], chain: string): Entry {
  const jumps = input.flatMap((spec, index): Jump[] =>
    target(spec) === chain ? [{ position: index + 1, spec, plain: spec === `-j ${chain}` }] : [],
  );
  const first = jumps.find(({ plain }) => plain);
  const above = first ? input.slice(0, first.position - 1) : [];
  return { jumps, ahead: above.filter((spec) => target(spec) !== chain && mayAccept(spec)) };
}

/** Exactly one jump, without condition, that nothing comes before. */
export const wellPlaced = ({ jumps, ahead }: Entry): boolean =>
  jumps.length === 1 && jumps[0]!.plain && ahead.length === 0;
