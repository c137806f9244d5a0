import type { RulesBefore, WavePlan } from '../probes/history.ts';
import type { Pending } from './plan.ts';
import type { Step } from './steps/step.ts';
import { title } from './title.ts';

/** What the host keeps of a wave's plan: for `harden log`, and what `harden rollback` could not know otherwise. */
export function remembered(
  command: 'apply' | 'rollback',
  wave: readonly Pending[],
  steps: readonly Step[],
): WavePlan {
  const changes = wave.flatMap(({ decision }) => decision.changes);
  return {
    command,
    tasks: wave.map(({ task, decision }) => {
      const mine = steps.flatMap((step, index) => (step.tasks.includes(task.id) ? [{ step, index }] : []));
      return {
        id: task.id,
        reason: decision.reason,
        changes: decision.changes.map(title),
        steps: mine.map(({ index }) => index),
        guarded: mine.some(({ step }) => step.phase !== 'plain'),
        ...(task.type.removes ? { removes: true } : {}),
      };
    }),
    rules: changes.flatMap((change): RulesBefore[] => {
      if (change.kind !== 'load-rules' && change.kind !== 'remove-rules') return [];
      const { family, chain, before } = change;
      const head = `-A ${chain} `;
      const rules = before.flatMap((rule) => (rule.startsWith(head) ? [rule.slice(head.length)] : []));
      return [{ family, chain, rules }];
    }),
    sensitive: changes.flatMap((change) => ('sensitive' in change && change.sensitive ? [change.path] : [])),
    commands: changes.flatMap((change) => (change.kind === 'run-command' ? [change.command] : [])),
  };
}
