import { Type } from '@sinclair/typebox';
import { firewallProbe } from '../probes/firewall.ts';
import { ask } from '../probes/probe.ts';
import { type RunRecord, runRecordProbe } from '../probes/run-record.ts';
import { heldBack } from './common/held-back.ts';
import { isObstacle, joined } from './common/part.ts';
import { blocked, unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { syncAfter } from './rollback/fail2ban.ts';
import { neededLater } from './rollback/later.ts';
import { runParts } from './rollback/parts.ts';
import { asWanted, defineRemoval, defineTask, type Task } from './task.ts';

const schema = Type.Object({ run: Type.String() }, { additionalProperties: false, title: 'rollback' });

/** The task of `harden rollback`: no playbook names it. `run` is a run's id, or `last` for the latest apply. */
export const rollbackTask = (run: string): Task => ({
  id: 'rollback',
  name: `what ${run === 'last' ? 'the latest apply' : `run ${run}`} changed is put back`,
  tags: [],
  type: asWanted(rollbackType, {}),
  params: { run },
  source: '--run',
  local: new Map(),
});

const rollbackType = defineTask({
  type: 'rollback',
  summary: 'Puts back what a run changed.',
  schema,
  owns: () => [],
  removal: defineRemoval(schema, {
    summary: 'there is nothing to take away.',
    questions: () => ({}),
    plan: () => ({ verdict: 'ok', reason: 'there is nothing to take away' }),
  }),
  questions: ({ run }) => ({
    record: ask(runRecordProbe, run),
    firewall: ask(firewallProbe, 'firewall' as const),
  }),
  plan({ run }, { record: seen, firewall }) {
    if (seen.state === 'unreadable') return unseen('What harden keeps of its runs', seen);
    if (seen.state === 'absent') {
      return run === 'last'
        ? { verdict: 'ok', reason: 'harden has applied nothing here that it remembers' }
        : blocked(`this host remembers no run ${run}; harden log lists those that it does`);
    }
    const record = seen.value;
    const which = `run ${record.id} (${record.waves[0]?.who || 'by an older version'})`;
    const needed = neededLater(record, firewall, which);
    if (needed) return needed;
    const found = joined(runParts(record, firewall));
    if (isObstacle(found)) return found;
    const notes = notesOf(record);
    if (found.changes.length === 0) {
      return { verdict: 'ok', reason: `everything is as it was before ${which}`, notes };
    }
    const held = heldBack(found.changes, (path) => record.held.get(path));
    if (held !== undefined) return blocked(held);
    return {
      verdict: 'change',
      reason: `${which} changed ${sentenceList([...new Set(found.reasons)])}`,
      changes: [...found.changes, ...syncAfter(record, found.changes)],
      notes,
    };
  },
});

/** What a run did that nobody can put back. */
function notesOf({ waves, packages }: RunRecord): string[] {
  const removed = packages.flatMap(({ name, change, there }) =>
    change === 'removed' && !there ? [name] : [],
  );
  const commands = waves.flatMap(({ plan }) => plan.commands ?? []);
  return [
    ...commands.map((command) => `what this command did stays: ${command}`),
    ...(removed.length > 0
      ? [
          `it removed the packages ${sentenceList(removed)}; harden apply installs what the playbook wants again`,
        ]
      : []),
  ];
}
