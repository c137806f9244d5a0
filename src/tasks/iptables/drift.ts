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
  if (wanted.length === 0) {
    const rules = table.chains.get(chain)?.length ?? 0;
    return rules === 0 ? [] : [`${chain} limits connections, and nothing of it is wanted`];
  }
  return [...chainDrift(table.chains.get(chain), chain, wanted, family), ...jumpDrift(table, chain)];
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
      return `${describeRule(rule)} has ${difference(instead, rule)}`;
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

/** In what two rules of one list differ. */
function difference(found: Rule, wanted: Rule): string {
  const before = facets(found);
  return [...facets(wanted)]
    .filter(([name, value]) => before.get(name) !== value)
    .map(([name, value]) => `${name} ${before.get(name)}, wanted ${value}`)
    .join(', ');
}

/** What can be altered in a rule, by name. */
function facets(rule: Rule): Map<string, string> {
  if (!('traffic' in rule)) return new Map();
  const { traffic } = rule;
  return new Map([
    ['protocol', traffic.protocol],
    ['ports', traffic.protocol === 'icmp' ? 'none' : traffic.ports.join(',')],
    ...(rule.kind === 'drop'
      ? [['seconds', `${rule.seconds}`] as const, ['hitcount', `${rule.hitcount}`] as const]
      : []),
  ]);
}

function jumpDrift(table: FilterTable, chain: string): string[] {
  const entry = readInput(table, chain);
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
