import type { Family, FilterTable } from '../../probes/firewall.ts';
import { readInput, wellPlaced } from './input.ts';
import { describeRule, parseRule, printRule, type Rule } from './rule.ts';

/** In what the kernel's table differs from what is wanted, in words; empty if in nothing. */
export function ruleDrift(
  table: FilterTable,
  chain: string,
  wanted: readonly Rule[],
  family: Family,
): string[] {
  return [
    ...chainDrift(table.chains.get(chain), chain, wanted, family),
    ...jumpDrift(table.chains.get('INPUT') ?? [], chain),
  ];
}

function chainDrift(
  held: readonly string[] | undefined,
  chain: string,
  wanted: readonly Rule[],
  family: Family,
): string[] {
  if (!held) return [`the chain ${chain} is missing`];
  if (held.length === 0) return [`the chain ${chain} is empty`];
  const foreign = held.filter((spec) => !parseRule(spec, family));
  const found = held.flatMap((spec) => parseRule(spec, family) ?? []);
  const text = (rule: Rule) => printRule(rule, family);
  const wantedTexts = wanted.map(text);
  const foundTexts = found.map(text);
  if (foreign.length === 0 && foundTexts.join('\n') === wantedTexts.join('\n')) return [];

  const slot = (rule: Rule) => describeRule(rule);
  const missing = wanted.filter((rule) => !foundTexts.includes(text(rule)));
  const extra = found.filter((rule) => !wantedTexts.includes(text(rule)));
  const altered = missing.filter((rule) => extra.some((other) => slot(other) === slot(rule)));
  const isAltered = (rule: Rule) => altered.some((one) => slot(one) === slot(rule));
  const twice = wanted.filter((rule) => foundTexts.filter((one) => one === text(rule)).length > 1);
  const problems = [
    ...altered.map((rule) => {
      const instead = extra.find((other) => slot(other) === slot(rule))!;
      return `${describeRule(rule)} was altered: it is "${text(instead)}", wanted "${text(rule)}"`;
    }),
    ...missing.filter((rule) => !isAltered(rule)).map((rule) => `${describeRule(rule)} is missing`),
    ...twice.map((rule) => `${describeRule(rule)} stands there more than once`),
    ...extra
      .filter((rule) => !isAltered(rule))
      .map((rule) => `${describeRule(rule)} is one too many in ${chain}`),
    ...foreign.map((spec) => `a foreign rule stands in ${chain}: "${spec}"`),
  ];
  return problems.length > 0 ? problems : [`the rules of ${chain} are in another order`];
}

function jumpDrift(input: readonly string[], chain: string): string[] {
  const entry = readInput(input, chain);
  if (wellPlaced(entry)) return [];
  const { jumps, ahead } = entry;
  const plain = jumps.filter((jump) => jump.plain);
  return [
    ...(plain.length === 0 ? [`the jump from INPUT to ${chain} is missing`] : []),
    ...(plain.length > 1
      ? [`INPUT jumps to ${chain} ${plain.length} times, so every connection counts ${plain.length} times`]
      : []),
    ...jumps.filter((jump) => !jump.plain).map(({ spec }) => `INPUT also leads to ${chain} by "${spec}"`),
    ...(ahead.length > 0 ? [`the jump to ${chain} stands below a rule that may accept: "${ahead[0]}"`] : []),
  ];
}
