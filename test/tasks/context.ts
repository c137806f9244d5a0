import type { Facts } from '../../src/probes/facts.ts';
import type { FileState } from '../../src/probes/file.ts';
import type { Change, WriteFile } from '../../src/tasks/change.ts';
import type { Key, PlanContext, Removal, Verdict } from '../../src/tasks/task.ts';

export const FACTS: Facts = {
  distribution: 'debian',
  release: '12',
  operator: '192.0.2.7',
  clock: 1_800_000_000,
  systemd: true,
};

/** What a task is told beside its answers. */
export const context = (
  over: Partial<PlanContext> & {
    promises?: readonly Key[];
    manages?: readonly Key[];
    leave?: readonly Key[];
  } = {},
): PlanContext => ({
  facts: FACTS,
  prove: false,
  local: new Map(),
  promised: (key) => over.promises?.includes(key) ?? false,
  promisedIn: (folder) => over.promises?.find((key) => key.startsWith(`file:${folder}/`)),
  managed: (key) => over.manages?.includes(key) ?? false,
  leaving: (key) => over.leave?.includes(key) ?? false,
  ...over,
});

export const fileState = (over: Partial<FileState> = {}): FileState => ({
  kind: 'file',
  realPath: '/etc/x',
  mode: '0644',
  owner: 'root',
  group: 'root',
  size: 3,
  ctime: 999_500,
  sha256: 'aa',
  ...over,
});

export const directoryState = (over: Partial<FileState> = {}): FileState =>
  fileState({ kind: 'directory', mode: '0755', ...over });

export function changesOf(verdict: Verdict): readonly Change[] {
  if (verdict.verdict !== 'change') throw new Error(`no change, but ${verdict.verdict}: ${verdict.reason}`);
  return verdict.changes;
}

export function fileOf(verdict: Verdict, index = 0): WriteFile {
  const change = changesOf(verdict)[index];
  if (change?.kind !== 'write-file') throw new Error(`change ${index} is ${change?.kind}`);
  return change;
}

/** For task types of tests that are only ever wanted present. */
// biome-ignore lint/suspicious/noExplicitAny: it looks at no parameter
export const NO_REMOVAL: Removal<any> = {
  summary: 'nothing.',
  questions: () => ({}),
  plan: () => ({ verdict: 'ok', reason: 'nothing to take away' }),
};
