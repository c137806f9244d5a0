import type { Family, FamilyTables, FirewallState } from '../../probes/firewall.ts';
import type { Observed } from '../../probes/probe.ts';
import type { UnitState } from '../../probes/systemd.ts';
import { spares } from '../common/trusted.ts';
import { sentenceList } from '../common/words.ts';
import { coversSsh, listName, portsOf } from './chain.ts';
import { MANAGERS, UNIT } from './persisted.ts';
import { publishedRules } from './published.ts';
import { listOf } from './rule.ts';
import { CHAIN, type Params } from './schema.ts';

/** The traps of this host that the limits do not mend. */
export function notesOf(
  { chain = CHAIN, trusted = [], ipv6 = true, limits }: Params,
  state: FirewallState,
  sshPorts: readonly number[],
  operator: string,
  managers: readonly Observed<UnitState>[],
): string[] {
  const notes: string[] = [];
  const found = MANAGERS.filter((_, index) => {
    const unit = managers[index];
    return (
      unit?.state === 'present' &&
      (unit.value.activeState === 'active' || unit.value.unitFileState.startsWith('enabled'))
    );
  });
  if (found.length > 0) {
    notes.push(
      `Other firewall managers on this host: ${sentenceList(found)}. ${UNIT} starts after them; if one of them flushes ${chain} later, check reports that.`,
    );
  }
  if (ipv6 && !state.ipv6.on)
    notes.push('IPv6 is off on this host; its limits come with the first run that finds it on.');
  const limit = limits.find((one) => coversSsh(one, sshPorts));
  if (limit && spares(trusted, operator) === false) {
    notes.push(
      `Your address ${operator} is not in trusted: connections of harden count against ${limit.name} too, which admits ${limit.hitcount - 1} new ones in ${limit.seconds} s and stays shut while they keep coming. Consider adding it.`,
    );
  }
  // a list is one for both families: whoever names it counts into it
  const lists = limits.flatMap((one) => [listName(one, 'ipv4'), listName(one, 'ipv6')]);
  for (const family of ['ipv4', 'ipv6'] as const) {
    notes.push(...handMade(state[family], lists, chain, family));
    const { other, nat } = state[family];
    if (nat.state === 'unreadable')
      notes.push(
        `Table nat of ${family} could not be looked at, so nobody knows whether limited ports lead elsewhere: ${nat.why}`,
      );
    if (other.state === 'unreadable')
      notes.push(`The ${family} rules of the other back end could not be looked at: ${other.why}`);
  }
  const ports = limits.flatMap((one) => portsOf(one, sshPorts).map((port) => `${one.protocol} ${port}`));
  const shared = [...new Set(ports.filter((port, index) => ports.indexOf(port) !== index))];
  if (shared.length > 0)
    notes.push(`Several limits count ${sentenceList(shared)}: the strictest of them decides.`);
  return notes;
}

/** Rules elsewhere that count into our lists, but for the pairs of the published guide, which are not merely noted. */
function handMade(
  { active }: FamilyTables,
  lists: readonly string[],
  chain: string,
  family: Family,
): string[] {
  if (active.state !== 'present') return [];
  const found = new Map<string, Set<string>>();
  const published = new Set(publishedRules(active.value, lists).map(({ spec }) => spec));
  for (const [name, rules] of active.value.chains) {
    if (name === chain) continue;
    for (const spec of rules) {
      const list = listOf(spec);
      if (list !== undefined && lists.includes(list) && !(name === 'INPUT' && published.has(spec)))
        found.set(name, (found.get(name) ?? new Set()).add(list));
    }
  }
  return [...found].map(
    ([name, counted]) =>
      `${family}: rules in ${name} count into ${sentenceList([...counted])} as well, so every connection counts twice and half as many pass. They are not ours and were left alone: remove them.`,
  );
}
