import { createHash } from 'node:crypto';
import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import type { UnitState } from '../../probes/systemd.ts';
import { attributeDrift } from '../attributes.ts';
import type { ControlUnit } from '../change.ts';
import { blocked, failed, isProblem, joined, NOTHING, type Part, type Problem } from './part.ts';
import { DIRECTORY, UNIT, UNIT_FILE, UNIT_TEXT } from './persisted.ts';

const ROOT = { owner: 'root', group: 'root' } as const;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file that only this task writes: it is written whole. */
export interface OwnFile {
  readonly path: string;
  readonly text: string;
  readonly mode: string;
  readonly seen: Observed<FileState>;
}

/**
 * What makes the limits survive a reboot: the directory and its files, then the unit. `astray` says why the unit has to
 * run again although nothing of that differs.
 */
export function lastingPart(
  directory: Observed<FileState>,
  files: readonly OwnFile[],
  unitFile: Observed<FileState>,
  unit: Observed<UnitState>,
  astray: readonly string[],
): Part | Problem {
  if (unit.state === 'unreadable') return failed(UNIT, unit.why);
  const value = unit.state === 'present' ? unit.value : undefined;
  const masked = value?.unitFileState.startsWith('masked') ?? false;
  const text = filePart({
    path: UNIT_FILE,
    text: UNIT_TEXT,
    mode: '0644',
    // unmasking takes the link to /dev/null away
    seen: masked ? { state: 'absent' } : unitFile,
  });
  const all = joined([
    masked ? control('unmask', `${UNIT} is masked`) : NOTHING,
    directoryPart(directory),
    ...files.map(filePart),
    text,
    unitPart(value, !isProblem(text) && text.changes.some(({ kind }) => kind === 'write-file'), astray),
  ]);
  // on a host that never had them, a list of everything that is missing says nothing more
  if (isProblem(all) || value || directory.state === 'present') return all;
  return { ...all, reasons: [...astray, 'nothing loads the limits at boot'] };
}

function directoryPart(seen: Observed<FileState>): Part | Problem {
  if (seen.state === 'unreadable') return failed(DIRECTORY, seen.why);
  if (seen.state === 'absent') {
    return {
      reasons: [`${DIRECTORY} does not exist`],
      changes: [{ kind: 'make-directory', path: DIRECTORY, mode: '0700', ...ROOT }],
    };
  }
  if (seen.value.kind !== 'directory') {
    return blocked(`${DIRECTORY} exists, but is not a directory; it was left alone`);
  }
  return attributesPart(DIRECTORY, seen.value, '0700');
}

function filePart({ path, text, mode, seen }: OwnFile): Part | Problem {
  if (seen.state === 'unreadable') return failed(path, seen.why);
  const write = { kind: 'write-file' as const, content: Buffer.from(text), mode, ...ROOT };
  if (seen.state === 'absent') {
    return {
      reasons: [`${path} does not exist`],
      changes: [{ ...write, path, before: { state: 'absent' } }],
    };
  }
  const { kind, realPath, sha256: sum = '', content } = seen.value;
  if (kind !== 'file') return blocked(`${path} exists, but is not a regular file; it was left alone`);
  if (sum === sha256(text)) return attributesPart(path, seen.value, mode);
  const before = { state: 'file' as const, sha256: sum, ...(content ? { content } : {}) };
  return {
    reasons: [`${path} does not hold what it should`],
    changes: [{ ...write, path: realPath, before }],
  };
}

function attributesPart(path: string, value: FileState, mode: string): Part {
  const drift = attributeDrift(value, { mode, ...ROOT });
  return drift ? { reasons: [`${path}: ${drift.summary}`], changes: [drift] } : NOTHING;
}

const control = (action: ControlUnit['action'], reason: string): Part => ({
  reasons: [reason],
  changes: [{ kind: 'control-unit', unit: UNIT, action }],
});

function unitPart(
  unit: UnitState | undefined,
  rewritten: boolean,
  astray: readonly string[],
): Part | Problem {
  const { activeState = 'not there', unitFileState, needDaemonReload = false } = unit ?? {};
  const old = rewritten || needDaemonReload ? [`${UNIT} runs from an older unit file`] : [];
  const again = activeState === 'active' ? [...astray, ...old] : [...astray, `${UNIT} is ${activeState}`];
  return joined([
    unitFileState === 'enabled' ? NOTHING : control('enable', `${UNIT} does not start at boot`),
    again.length === 0
      ? NOTHING
      : control(/^(active|failed)$/.test(activeState) ? 'restart' : 'start', again.join('; ')),
  ]);
}
