import type { Family, FilterTable } from '../../probes/firewall.ts';
import type { LoadRules } from '../change.ts';
import { readInput, wellPlaced } from './input.ts';
import type { PublishedRule } from './published.ts';
import { printRule, type Rule } from './rule.ts';

/** Input of `iptables-restore --noflush` that empties the chain, then does `commands`: all or nothing. */
export const batch = (chain: string, commands: readonly string[]): string =>
  `${['*filter', `:${chain} - [0:0]`, ...commands, 'COMMIT'].join('\n')}\n`;

export const append = (chain: string, spec: string): string => `-A ${chain} ${spec}`.trimEnd();

/** The commands that fill the empty chain. */
export const fill = (chain: string, rules: readonly Rule[], family: Family): string[] =>
  rules.map((rule) => append(chain, printRule(rule, family)));

/**
 * The change from what the table holds to `wanted`. The `-D` lines name the jumps that were seen: if one of them is
 * gone by then, the kernel refuses the whole batch. The undo does not name jumps to take away: whoever runs it first
 * takes away those that stand there then, so that it is right whether or not the batch was loaded.
 */
export function loadRulesChange(
  table: FilterTable,
  chain: string,
  wanted: readonly Rule[],
  family: Family,
  lists: readonly string[],
  replaced: readonly PublishedRule[] = [],
): LoadRules {
  const held = table.chains.get(chain);
  const entry = readInput(table, chain);
  const jumps = entry.jumps.map(({ spec }) => append('INPUT', spec));
  const rules = fill(chain, wanted, family);
  const placed = wellPlaced(entry);
  const undo = (back: readonly { position: number; spec: string }[]) =>
    batch(chain, [
      ...(held ?? []).map((spec) => append(chain, spec)),
      // upwards: each one finds the places below it filled
      ...back
        .toSorted((one, other) => one.position - other.position)
        .map(({ position, spec }) => `-I INPUT ${position} ${spec}`),
      ...(held ? [] : [`-X ${chain}`]),
    ]);
  return {
    kind: 'load-rules',
    family,
    chain,
    batch: batch(chain, [
      ...rules,
      ...(placed ? [] : [...entry.jumps.map(({ spec }) => `-D INPUT ${spec}`), `-I INPUT 1 -j ${chain}`]),
    ]),
    replaces: replaced.map(({ spec }) => spec),
    undo: undo(entry.jumps),
    undoReplaced: undo([...entry.jumps, ...replaced]),
    before: [
      ...replaced.map(({ spec }) => append('INPUT', spec)),
      ...jumps,
      ...(held ?? []).map((spec) => append(chain, spec)),
    ],
    after: [...(placed ? jumps : [append('INPUT', `-j ${chain}`)]), ...rules],
    lists,
  };
}
