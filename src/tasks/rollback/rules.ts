import type { FilterTable, FirewallState } from '../../probes/firewall.ts';
import type { RulesBefore } from '../../probes/history.ts';
import type { Observed } from '../../probes/probe.ts';
import type { RunRecord } from '../../probes/run-record.ts';
import { NOTHING, type Part } from '../common/part.ts';
import { blocked, type Obstacle, unseen } from '../common/verdicts.ts';
import { loadRulesChange } from '../iptables/batch.ts';
import { ruleDrift } from '../iptables/drift.ts';
import { parseRule } from '../iptables/rule.ts';

/** Our chains as they were before the run. */
export const rulesParts = (record: RunRecord, firewall: Observed<FirewallState>): (Part | Obstacle)[] =>
  rulesOf(record).map((before) => rulesPart(firewall, before));

/** What was undone by the host itself is back already. */
const rulesOf = ({ waves }: RunRecord): RulesBefore[] => {
  const first = new Map<string, RulesBefore>();
  for (const { guard, plan } of waves) {
    if (guard === 'rolledback') continue;
    for (const rules of plan.rules ?? []) {
      const key = `${rules.family} ${rules.chain}`;
      if (!first.has(key)) first.set(key, rules);
    }
  }
  return [...first.values()];
};

function rulesPart(
  firewall: Observed<FirewallState>,
  { family, chain, rules }: RulesBefore,
): Part | Obstacle {
  if (firewall.state === 'unreadable') return unseen('The firewall', firewall);
  if (firewall.state === 'absent') return NOTHING;
  const { active } = firewall.value[family];
  if (active.state === 'unreadable') return unseen(`The ${family} rules`, active);
  const table: FilterTable = active.state === 'present' ? active.value : { chains: new Map() };
  const held = table.chains.get(chain);
  const reasons = [`the ${family} rules of ${chain}`];
  if (rules.length === 0) {
    if (!held) return NOTHING;
    const before = held.map((spec) => `-A ${chain} ${spec}`);
    return { reasons, changes: [{ kind: 'remove-rules', family, chain, before }] };
  }
  const wanted = rules.flatMap((spec) => parseRule(spec, family) ?? []);
  if (wanted.length < rules.length) {
    return blocked(
      `${chain} (${family}) held rules before that run which harden did not make; load them yourself`,
    );
  }
  if (ruleDrift(table, chain, wanted, family).length === 0) return NOTHING;
  const lists = wanted.flatMap((rule) => ('list' in rule && rule.list ? [rule.list] : []));
  return { reasons, changes: [loadRulesChange(table, chain, wanted, family, [...new Set(lists)])] };
}
