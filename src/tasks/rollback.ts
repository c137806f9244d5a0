import { Type } from '@sinclair/typebox';
import type { FilterTable, FirewallState } from '../probes/firewall.ts';
import { firewallProbe } from '../probes/firewall.ts';
import { type RulesBefore, type RunFile, type RunRecord, runRecordProbe } from '../probes/history.ts';
import { ask, type Observed } from '../probes/probe.ts';
import type { Before, Change, ControlUnit } from './change.ts';
import { attributeDrift } from './common/attributes.ts';
import { blocked, type Obstacle, unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { loadRulesChange } from './iptables/batch.ts';
import { ruleDrift } from './iptables/drift.ts';
import { isObstacle, joined, NOTHING, type Part } from './iptables/part.ts';
import { parseRule } from './iptables/rule.ts';
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
    const found = joined([
      ...rulesOf(record).map((before) => rulesPart(firewall, before)),
      ...unitsPart(record, 'stop'),
      ...filesPart(record),
      ...unitsPart(record, 'start'),
      packagesPart(record),
    ]);
    if (isObstacle(found)) return found;
    const notes = notesOf(record);
    const which = `run ${record.id} (${record.waves[0]?.who || 'by an older version'})`;
    if (found.changes.length === 0) {
      return { verdict: 'ok', reason: `everything is as it was before ${which}`, notes };
    }
    return {
      verdict: 'change',
      reason: `${which} changed ${sentenceList([...new Set(found.reasons)])}`,
      changes: [...found.changes, ...syncPart(record, found.changes)],
      notes,
    };
  },
});

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

/** What was made last goes first. */
const filesPart = (record: RunRecord): (Part | Obstacle)[] =>
  record.files
    .toSorted((one, other) => (one.path < other.path ? 1 : -1))
    .map((file) => filePart(file, record));

function filePart({ path, before, written, now }: RunFile, { files, packages }: RunRecord): Part | Obstacle {
  // what came with a package that the run brought has gone with it
  if (now.state === 'absent' && packages.some(({ change, there }) => change === 'installed' && !there))
    return NOTHING;
  const part = (change: Change): Part => ({ reasons: [path], changes: [change] });
  const changed = (what: string) =>
    blocked(`${path} ${what} since that run; put it right yourself, or roll back what came later first`);
  if (now.state === 'other') return changed('became something that is neither a file nor a directory');
  if (before.state === 'attributes') {
    if (now.state === 'absent') return changed('was removed');
    const drift = attributeDrift({ ...asState(path, now) }, before);
    return drift ? part(drift) : NOTHING;
  }
  if (now.state === 'directory') {
    if (before.state !== 'absent') return changed('became a directory');
    const leaving = new Set(
      files
        .filter((one) => one.before.state === 'absent' && one.now.state !== 'absent')
        .map((one) => one.path),
    );
    // what others put there stays, and the directory with it
    const empty = now.entries.every((name) => leaving.has(`${path}/${name}`));
    return empty ? part({ kind: 'remove-directory', path }) : NOTHING;
  }
  if (before.state === 'absent') {
    if (now.state === 'absent') return NOTHING;
    if (now.sha256 !== written) return changed('was changed');
    const content = now.content ? { content: now.content } : {};
    return part({ kind: 'remove-file', path, sha256: now.sha256 ?? '', ...content });
  }
  const seen: Before =
    now.state === 'absent'
      ? { state: 'absent' }
      : { state: 'file', sha256: now.sha256 ?? '', ...(now.content ? { content: now.content } : {}) };
  if (now.state === 'absent' && written !== undefined) return changed('was removed');
  if (now.state === 'file') {
    if (now.sha256 === before.sha256) {
      const drift = attributeDrift(asState(path, now), before);
      return drift ? part(drift) : NOTHING;
    }
    if (now.sha256 !== written) return changed('was changed');
  }
  const content = before.content ? { content: before.content } : {};
  return part({ kind: 'restore-file', path, before: seen, copy: before.copy, ...content });
}

const asState = (path: string, now: Exclude<RunFile['now'], { state: 'absent' } | { state: 'other' }>) => ({
  kind: now.state,
  realPath: path,
  mode: now.mode,
  owner: now.owner,
  group: now.group,
  size: 0,
  ctime: 0,
});

/** Units as they were: what did not run is stopped before its files go, what ran starts or restarts after they are back. */
function unitsPart(record: RunRecord, when: 'stop' | 'start'): Part[] {
  const { units, files } = record;
  const newest = Math.max(0, ...files.map(({ now }) => (now.state === 'file' ? now.ctime : 0)));
  const pending = filesPart(record).some((part) => isObstacle(part) || part.changes.length > 0);
  return units.map(({ unit, unitFileState, activeState, now }): Part => {
    const actions: ControlUnit['action'][] = [];
    const ran = activeState === 'active' || activeState === 'reloading' || activeState === 'activating';
    const runs = now.activeState === 'active';
    if (when === 'stop') {
      if (unitFileState === 'disabled' && now.unitFileState === 'enabled') actions.push('disable');
      if (!ran && runs) actions.push('stop');
      if (unitFileState.startsWith('masked') && !now.unitFileState.startsWith('masked')) actions.push('mask');
    } else if (!unitFileState.startsWith('masked')) {
      if (now.unitFileState.startsWith('masked')) actions.push('unmask');
      if (unitFileState === 'enabled' && now.unitFileState !== 'enabled') actions.push('enable');
      // fail2ban takes its files over by a reload of its own
      const owed = ran && runs && unit !== FAIL2BAN && (pending || newest > now.stateChange);
      if (ran && !runs) actions.push('start');
      else if (owed) actions.push('restart');
    }
    return {
      reasons: actions.length > 0 ? [unit] : [],
      changes: actions.map((action) => ({ kind: 'control-unit', unit, action })),
    };
  });
}

const FAIL2BAN = 'fail2ban.service';

/** Packages that the run brought and that are still there. */
const brought = ({ packages }: RunRecord): string[] =>
  packages.flatMap(({ name, change, there }) => (change === 'installed' && there ? [name] : []));

function packagesPart(record: RunRecord): Part {
  const names = brought(record);
  return names.length === 0
    ? NOTHING
    : { reasons: [`the packages ${sentenceList(names)}`], changes: [{ kind: 'remove-packages', names }] };
}

/** A fail2ban that stays takes over what was put back; jails that the run made may be gone then. */
function syncPart(record: RunRecord, changes: readonly Change[]): Change[] {
  if (brought(record).includes('fail2ban')) return [];
  const touched = changes.some((change) => 'path' in change && change.path.startsWith('/etc/fail2ban/'));
  if (!touched) return [];
  const jails = (content: Buffer | undefined) =>
    [...(content?.toString('latin1') ?? '').matchAll(/^\[([^\]\r\n]+)\]/gm)].map(([, name]) => name!);
  const gone = record.files.flatMap(({ before, now }) => {
    const stay = new Set(before.state === 'file' ? jails(before.content) : []);
    return now.state === 'file' ? jails(now.content).filter((name) => !stay.has(name)) : [];
  });
  return [
    {
      kind: 'sync-fail2ban',
      jails: [],
      gone: gone.filter((name) => !['DEFAULT', 'INCLUDES', 'Definition', 'Init'].includes(name)),
      filters: [],
      restart: [],
    },
  ];
}

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
