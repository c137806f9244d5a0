import type { Backend, Family, FirewallState } from '../../probes/firewall.ts';
import { NOTHING, type Part } from '../common/part.ts';
import { type Obstacle, unseen } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import { loadRulesChange } from './batch.ts';
import { ruleDrift } from './drift.ts';
import type { PublishedRule } from './published.ts';
import type { Rule } from './rule.ts';

/** What the host's own `iptables` holds of one family, against what is wanted. `lists` are those of the rules. */
export function kernelPart(
  state: FirewallState,
  family: Family,
  chain: string,
  wanted: readonly Rule[],
  lists: readonly string[],
  replaced: readonly PublishedRule[],
): Part | Obstacle {
  const { active } = state[family];
  if (active.state !== 'present') {
    return unseen(
      `The ${family} rules`,
      active.state === 'absent' ? { why: 'the host gave no answer' } : active,
    );
  }
  const drift = [
    ...ruleDrift(active.value, chain, wanted, family),
    ...(replaced.length > 0
      ? [
          `rules made by hand in INPUT count into ${sentenceList([...new Set(replaced.map(({ list }) => list))])} as well`,
        ]
      : []),
  ];
  if (drift.length === 0) return NOTHING;
  return {
    reasons: [`${family}: ${drift.join(', ')}`],
    changes: [loadRulesChange(active.value, chain, wanted, family, lists, replaced)],
  };
}

/** Is our chain in the back end that is not in use? It filters all the same, and counts into the same lists. */
export function otherBackendDrift(state: FirewallState, family: Family, chain: string): string[] {
  const { other } = state[family];
  if (other.state !== 'present' || !other.value.chains.has(chain)) return [];
  const backend: Backend = state.backend === 'nft' ? 'legacy' : 'nft';
  return [`${family}: ${chain} is also in the ${backend} back end, where every connection counts once more`];
}
