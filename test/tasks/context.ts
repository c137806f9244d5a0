import type { Facts } from '../../src/probes/facts.ts';
import type { FileState } from '../../src/probes/file.ts';
import type { Key, PlanContext } from '../../src/tasks/task.ts';

export const FACTS: Facts = {
  distribution: 'debian',
  release: '12',
  operator: '192.0.2.7',
  systemd: true,
  now: 1_000_000,
  uptime: 1000,
};

/** What a task is told beside its answers. */
export const context = (over: Partial<PlanContext> & { promises?: readonly Key[] } = {}): PlanContext => ({
  facts: FACTS,
  prove: false,
  local: new Map(),
  promised: (key) => over.promises?.includes(key) ?? false,
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
