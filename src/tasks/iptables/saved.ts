import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import type { UnitState } from '../../probes/systemd.ts';
import type { Change } from '../change.ts';
import { NOTHING, type Part } from '../common/part.ts';
import { blocked, type Obstacle } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import { writeOver } from '../common/write.ts';
import { MANAGERS } from './persisted.ts';
import { publishedRules } from './published.ts';

/** What netfilter-persistent loads at boot, one file a family, each by a plugin that is another package. */
export const SAVED = [
  { path: '/etc/iptables/rules.v4', plugin: '/usr/share/netfilter-persistent/plugins.d/15-ip4tables' },
  { path: '/etc/iptables/rules.v6', plugin: '/usr/share/netfilter-persistent/plugins.d/25-ip6tables' },
] as const;

const SERVICE = 'netfilter-persistent.service';

/** A saved file as it is loaded at boot. */
export interface SavedFile {
  readonly path: string;
  readonly seen: Observed<FileState>;
}

/** The files that the next boot loads. `units` are those of MANAGERS, `plugins` and `files` those of SAVED. */
export function loadedAtBoot(
  units: readonly Observed<UnitState>[],
  plugins: readonly Observed<FileState>[],
  files: readonly Observed<FileState>[],
): SavedFile[] {
  const unit = units[MANAGERS.indexOf(SERVICE)];
  if (unit?.state !== 'present' || unit.value.unitFileState !== 'enabled') return [];
  return SAVED.flatMap(({ path }, index) => {
    const seen = files[index];
    return seen && seen.state !== 'absent' && plugins[index]?.state !== 'absent' ? [{ path, seen }] : [];
  });
}

/** A line of such a file that is one of a pair made by hand after the published guide. */
interface SavedRule {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly list: string;
}

/** Pairs made by hand that come back with the next boot, and count every connection once more from then on. */
export function savedPairs({ seen }: SavedFile, lists: readonly string[]): SavedRule[] {
  let isFilter = false;
  const input = linesOf(seen).flatMap((text, index) => {
    if (text.startsWith('*')) isFilter = text.trim() === '*filter';
    const spec = isFilter ? /^(?:\[\d+:\d+\] )?-A INPUT (.*)$/.exec(text.trimEnd())?.[1] : undefined;
    return spec === undefined ? [] : [{ text, line: index + 1, spec }];
  });
  const table = { chains: new Map([['INPUT', input.map(({ spec }) => spec)]]) };
  return publishedRules(table, lists).map(({ position, list }) => {
    const { line, text } = input[position - 1]!;
    return { line, text, list };
  });
}

const linesOf = (seen: Observed<FileState>): string[] =>
  (seen.state === 'present' && seen.value.content?.toString('latin1').split('\n')) || [];

/** What a person reads of them, one rule a line, and of what could not be read. */
export const savedNotes = (files: readonly SavedFile[], lists: readonly string[]): string[] =>
  files.flatMap((file) => {
    const { path, seen } = file;
    if (seen.state === 'present' && seen.value.content)
      return savedPairs(file, lists).map(({ line, text }) => `${path}:${line}: made by hand: ${text}`);
    const why = seen.state === 'unreadable' ? seen.why : 'it is too large, or no file';
    return [
      `${path}, which netfilter-persistent loads at boot, could not be looked at, so nobody knows what it brings back: ${why}`,
    ];
  });

/** Why the limits would not be as declared after the next boot, where nobody consented to mending that. */
export function broughtBack(files: readonly SavedFile[], lists: readonly string[]): Obstacle | undefined {
  const found = files.flatMap((file) =>
    savedPairs(file, lists).map((rule) => ({ ...rule, path: file.path })),
  );
  if (found.length === 0) return undefined;
  const paths = sentenceList([...new Set(found.map(({ path }) => path))]);
  const counted = sentenceList([...new Set(found.map(({ list }) => list))]);
  return blocked(
    `${found.length} rules made by hand in ${paths}, which netfilter-persistent loads at boot, count into ${counted} as well: after the next boot every connection would count twice and half as many pass; set replace_published_rules: true to have exactly these taken out of the file`,
  );
}

/** Takes these lines out of the files, and leaves every other byte. */
export function savedPart(files: readonly SavedFile[], lists: readonly string[]): Part {
  const parts = files.map((file): Part => {
    const gone = new Set(savedPairs(file, lists).map(({ line }) => line));
    if (gone.size === 0 || file.seen.state !== 'present') return NOTHING;
    const kept = linesOf(file.seen).filter((_, index) => !gone.has(index + 1));
    const change: Change = writeOver(file.path, file.seen.value, Buffer.from(kept.join('\n'), 'latin1'));
    return {
      reasons: [`${file.path} would bring back rules made by hand at the next boot`],
      changes: [change],
    };
  });
  return {
    reasons: parts.flatMap(({ reasons }) => reasons),
    changes: parts.flatMap(({ changes }) => changes),
  };
}

/** Whether a boot would bring back a chain of ours that is taken away: somebody saved all rules while it stood. */
export const savesChain = (files: readonly SavedFile[], chain: string): string[] =>
  files
    .filter(({ seen }) => linesOf(seen).some((line) => line.startsWith(`:${chain} `)))
    .map(
      ({ path }) =>
        `${path} holds the chain ${chain}, and netfilter-persistent would bring it back at the next boot. It was left alone: save the rules again once the chain is gone (netfilter-persistent save).`,
    );
