import { fileProbe } from '../../probes/file.ts';
import { type Family, type FirewallState, firewallProbe } from '../../probes/firewall.ts';
import { ask, type Observed } from '../../probes/probe.ts';
import { unitProbe } from '../../probes/systemd.ts';
import type { Change } from '../change.ts';
import { isObstacle, joined, NOTHING, type Part } from '../common/part.ts';
import { type Obstacle, unseen } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import { defineRemoval } from '../task.ts';
import { append } from './batch.ts';
import { readInput } from './input.ts';
import { DIRECTORY, LOADER, MANAGERS, RULES, UNIT, UNIT_FILE } from './persisted.ts';
import { loadedAtBoot, SAVED, savesChain } from './saved.ts';
import { CHAIN, schema } from './schema.ts';

/** What harden wrote for the limits, the last first. */
const FILES = [UNIT_FILE, LOADER, RULES.ipv6, RULES.ipv4] as const;

const FILES_REASON = `its files in ${DIRECTORY} and ${UNIT_FILE} are there`;

/** The limits go from the kernel, and so does what would load them again. Nobody can be cut off by that. */
export const limitsRemoval = defineRemoval(schema, {
  summary: "the chain, the jumps to it and what loads it at boot are gone; everybody else's rules stay.",
  questions: () => ({
    firewall: ask(firewallProbe, 'firewall' as const),
    unit: ask(unitProbe, UNIT),
    files: FILES.map((path) => ask(fileProbe, { path, content: 'always' as const })),
    directory: ask(fileProbe, { path: DIRECTORY, content: 'always' as const }),
    managers: MANAGERS.map((name) => ask(unitProbe, name)),
    plugins: SAVED.map(({ plugin }) => ask(fileProbe, { path: plugin, content: 'never' as const })),
    saved: SAVED.map(({ path }) => ask(fileProbe, { path, content: 'always' as const })),
  }),
  plan({ chain = CHAIN }, { firewall, unit, files, directory, managers, plugins, saved }) {
    if (unit.state === 'unreadable') return unseen(UNIT, unit);
    if (directory.state === 'unreadable') return unseen(DIRECTORY, directory);
    const there = unit.state === 'present' ? unit.value : undefined;
    const starts = there?.unitFileState.startsWith('enabled') || there?.activeState === 'active';
    const names: readonly string[] = FILES.map((path) => path.slice(DIRECTORY.length + 1));
    const entries = directory.state === 'present' ? directory.value.entries : undefined;
    const found = joined([
      ...(['ipv4', 'ipv6'] as const).map((family) => rulesPart(firewall, family, chain)),
      starts
        ? {
            reasons: [`${UNIT} would load it at boot`],
            changes: [
              { kind: 'control-unit', unit: UNIT, action: 'disable', restores: true },
              { kind: 'control-unit', unit: UNIT, action: 'stop', restores: true },
            ],
          }
        : NOTHING,
      ...FILES.map((path, index): Part | Obstacle => {
        const file = files[index]!;
        if (file.state === 'unreadable') return unseen(path, file);
        if (file.state === 'absent') return NOTHING;
        const { realPath, sha256 = '', content } = file.value;
        const remove: Change = {
          kind: 'remove-file',
          path: realPath,
          sha256,
          ...(content ? { content } : {}),
        };
        return { reasons: [FILES_REASON], changes: [remove] };
      }),
      entries?.every((name) => names.includes(name))
        ? { reasons: [FILES_REASON], changes: [{ kind: 'remove-directory', path: DIRECTORY }] }
        : NOTHING,
    ]);
    if (isObstacle(found)) return found;
    const notes = savesChain(loadedAtBoot(managers, plugins, saved), chain);
    if (found.changes.length === 0) return { verdict: 'ok', reason: 'nothing of the limits is there', notes };
    const { reasons, changes } = found;
    return { verdict: 'change', reason: sentenceList([...new Set(reasons)]), changes, notes };
  },
});

/** The chain in either back end of one family. */
function rulesPart(firewall: Observed<FirewallState>, family: Family, chain: string): Part | Obstacle {
  if (firewall.state === 'unreadable') return unseen('The firewall', firewall);
  if (firewall.state === 'absent') return NOTHING;
  const { active, other } = firewall.value[family];
  const blind = [active, other].find((table) => table.state === 'unreadable');
  if (blind?.state === 'unreadable') return unseen(`The ${family} rules`, blind);
  const tables = [active, other].flatMap((table) => (table.state === 'present' ? [table.value] : []));
  const before = tables.flatMap((table) => [
    ...readInput(table, chain).jumps.map(({ spec }) => append('INPUT', spec)),
    ...(table.chains.get(chain) ?? []).map((spec) => append(chain, spec)),
  ]);
  if (!tables.some((table) => table.chains.has(chain))) return NOTHING;
  return {
    reasons: [`the chain ${chain} is there`],
    changes: [{ kind: 'remove-rules', family, chain, before }],
  };
}
