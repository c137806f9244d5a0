import type { RunAndLater, RunFile, RunUnit } from '../../probes/run-record.ts';
import { isMasked } from '../../probes/systemd.ts';
import type { Change, Expected } from '../change.ts';
import { attributeDrift } from '../common/attributes.ts';
import { NOTHING, type Part } from '../common/part.ts';
import { blocked, type Obstacle } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import { laterFirst, stands } from './advice.ts';
import { ownFile } from './unit-file.ts';

/** Folders come back before what lay in them; what was made last goes first. */
export const filesParts = (record: RunAndLater): (Part | Obstacle)[] =>
  [
    ...record.files.filter(({ before }) => before.state === 'directory').toSorted(byPath),
    ...record.files
      .filter(({ before }) => before.state !== 'directory')
      .toSorted(byPath)
      .reverse(),
  ].map((file) => filePart(file, record));

const byPath = (one: RunFile, other: RunFile): number => (one.path < other.path ? -1 : 1);

function filePart(file: RunFile, { files, units, packages, waves, later }: RunAndLater): Part | Obstacle {
  const { path, before, written, now } = file;
  const sensitive = waves.some(({ plan }) => plan.sensitive?.includes(path));
  const shown = (content: Buffer | undefined) => (sensitive ? { sensitive } : content ? { content } : {});
  if (before.state === 'directory' && now.state === 'absent') {
    const { mode, owner, group } = before;
    return { reasons: [path], changes: [{ kind: 'make-directory', path, mode, owner, group }] };
  }
  // what came with a package that the run brought has gone with it
  if (
    now.state === 'absent' &&
    (written !== undefined || before.state === 'attributes') &&
    packages.some(({ change, there }) => change === 'installed' && !there)
  )
    return NOTHING;
  const part = (change: Change): Part => ({ reasons: [path], changes: [change] });
  const changed = (what: string) => {
    const by = later.filter((run) =>
      run.files.some((one) => one.path === path && stands(filePart(one, { ...run, later: [] }))),
    );
    const purged = packages.filter(({ change, there }) => change === 'removed' && !there);
    return blocked(
      by.length > 0
        ? `${path} ${what} since that run: ${laterFirst(by)}`
        : now.state === 'absent' && purged.length > 0
          ? `${path} went with what that run purged (${sentenceList(purged.map(({ name }) => name))}), and no rollback installs packages: harden apply makes all of it anew`
          : `${path} ${what} since that run, by no apply that harden remembers: ${byHand(before)}`,
    );
  };
  if (before.state === 'lost')
    return blocked(`what ${path} was before that run is not in its records any more`);
  // the link that masks a unit as before
  if (before.state === 'absent' && now.state === 'other' && units.some((unit) => masks(path, unit)))
    return NOTHING;
  if (now.state === 'other') return changed('became something that is neither a file nor a directory');
  if (before.state === 'attributes' || before.state === 'directory') {
    if (now.state === 'absent') return changed('was removed');
    if (before.state === 'directory' && now.state === 'file') return changed('became a file');
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
    return part({ kind: 'remove-file', path, sha256: now.sha256 ?? '', ...shown(now.content) });
  }
  const seen: Expected =
    now.state === 'absent'
      ? { state: 'absent' }
      : {
          state: 'file',
          sha256: now.sha256 ?? '',
          ...(now.content && !sensitive ? { content: now.content } : {}),
        };
  if (now.state === 'absent' && written !== undefined) return changed('was removed');
  if (now.state === 'file') {
    if (now.sha256 === before.sha256) {
      const drift = attributeDrift(asState(path, now), before);
      return drift ? part(drift) : NOTHING;
    }
    if (now.sha256 !== written) return changed('was changed');
  }
  return part({ kind: 'restore-file', path, before: seen, copy: before.copy, ...shown(before.content) });
}

const masks = (path: string, { unit, unitFileState, now }: RunUnit): boolean =>
  path === ownFile(unit) && isMasked(unitFileState) && isMasked(now.unitFileState);

/** What somebody can do who wants the run to go all the same. */
function byHand(before: RunFile['before']): string {
  if (before.state === 'absent') return 'remove it yourself, for it was not there before';
  return `put it right yourself${before.state === 'file' ? ` (what it was before lies in ${before.copy})` : ''}`;
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
