import { type AccountKey, knownAccountProbe } from '../../probes/known-account.ts';
import { ask, type Observed, type Question } from '../../probes/probe.ts';
import type { Verdict } from '../task.ts';
import { unseen } from './verdicts.ts';

interface Owners {
  readonly owner?: string;
  readonly group?: string;
}

const keysOf = ({ owner, group }: Owners): AccountKey[] => [
  ...(owner === undefined ? [] : [`user:${owner}` as const]),
  ...(group === undefined ? [] : [`group:${group}` as const]),
];

/** Whether those that something is made over to exist. */
export const accountsOf = (params: Owners): Question<'known'>[] =>
  keysOf(params).map((key) => ask(knownAccountProbe, key));

/** What is to be said of the first that does not; undefined if all do. A package or a command may bring it. */
export function missingAccount(params: Owners, seen: readonly Observed<'known'>[]): Verdict | undefined {
  for (const [index, key] of keysOf(params).entries()) {
    const account = seen[index];
    const [kind, name] = key.split(':');
    if (account?.state === 'unreadable') return unseen(`The ${kind} ${name}`, account);
    if (account?.state === 'absent')
      return { verdict: 'needs', key, reason: `there is no ${kind} ${name} on this host` };
  }
  return undefined;
}
