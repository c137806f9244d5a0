import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import { isMasked, type UnitState } from '../../probes/systemd.ts';
import type { ControlUnit } from '../change.ts';
import { attributeDrift } from '../common/attributes.ts';
import { isObstacle, joined, NOTHING, type Part } from '../common/part.ts';
import { blocked, type Obstacle, unseen, wrongKind } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import { sha256, writeOver } from '../common/write.ts';
import { DIRECTORY, UNIT, UNIT_FILE, UNIT_TEXT } from './persisted.ts';

const ROOT = { owner: 'root', group: 'root' } as const;

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
): Part | Obstacle {
  if (unit.state === 'unreadable') return unseen(UNIT, unit);
  const value = unit.state === 'present' ? unit.value : undefined;
  if (value && value.dropIns.length > 0) {
    return blocked(
      `${sentenceList(value.dropIns)} changes ${UNIT}: the limits may not be loaded at boot; remove it`,
    );
  }
  // an empty file masks as well: what is written over it ends that
  const empty = unitFile.state === 'present' && unitFile.value.kind === 'file';
  const masked = value !== undefined && isMasked(value.unitFileState) && !empty;
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
    unitPart(value, !isObstacle(text) && text.changes.some(({ kind }) => kind === 'write-file'), astray),
  ]);
  // on a host that never had them, a list of everything that is missing says nothing more
  if (isObstacle(all) || value || directory.state === 'present') return all;
  return { ...all, reasons: [...astray, 'nothing loads the limits at boot'] };
}

function directoryPart(seen: Observed<FileState>): Part | Obstacle {
  if (seen.state === 'unreadable') return unseen(DIRECTORY, seen);
  if (seen.state === 'absent') {
    return {
      reasons: [`${DIRECTORY} does not exist`],
      changes: [{ kind: 'make-directory', path: DIRECTORY, mode: '0700', ...ROOT }],
    };
  }
  if (seen.value.kind !== 'directory') {
    return wrongKind(DIRECTORY, 'a directory');
  }
  return attributesPart(DIRECTORY, seen.value, '0700');
}

function filePart({ path, text, mode, seen }: OwnFile): Part | Obstacle {
  if (seen.state === 'unreadable') return unseen(path, seen);
  const write = (over?: FileState) => ({ ...writeOver(path, over, Buffer.from(text)), mode, ...ROOT });
  if (seen.state === 'absent') return { reasons: [`${path} does not exist`], changes: [write()] };
  const { value } = seen;
  if (value.kind !== 'file') return wrongKind(path, 'a regular file');
  if (value.sha256 === sha256(text)) return attributesPart(path, value, mode);
  return { reasons: [`${path} does not hold what it should`], changes: [write(value)] };
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
): Part | Obstacle {
  const { activeState = 'not there', unitFileState, needDaemonReload = false, wantedBy = [] } = unit ?? {};
  const old = rewritten || needDaemonReload ? [`${UNIT} runs from an older unit file`] : [];
  const again = activeState === 'active' ? [...astray, ...old] : [...astray, `${UNIT} is ${activeState}`];
  return joined([
    unitFileState === 'enabled' && wantedBy.includes('multi-user.target')
      ? NOTHING
      : control('enable', `${UNIT} does not start at boot`),
    again.length === 0
      ? NOTHING
      : control(/^(active|failed)$/.test(activeState) ? 'restart' : 'start', again.join('; ')),
  ]);
}
