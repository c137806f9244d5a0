import { applyPatch, structuredPatch } from 'diff';
import type { FileState } from '../../probes/file.ts';
import type { Before, FileOrigin } from '../../probes/origin.ts';
import type { Observed } from '../../probes/probe.ts';
import type { Change } from '../change.ts';
import type { Verdict } from '../task.ts';
import { attributeDrift } from './attributes.ts';
import { blocked, unseen, wrongKind } from './verdicts.ts';
import { sha256, writeOver } from './write.ts';

/** A file that harden wrote as a whole, and what it knows of it. */
export interface Restored {
  readonly path: string;
  /** With its content, if it is there. */
  readonly file: Observed<FileState>;
  readonly origin: Observed<FileOrigin>;
  /** What the task would write today, for hosts where nobody kept what was written. */
  readonly ours: readonly Buffer[];
  /** Content that must not be shown. */
  readonly sensitive?: boolean;
}

/**
 * Gives back what stood there before harden: byte for byte if nobody has changed the file since, else with the changes of
 * others kept, if they are elsewhere in it. What harden did not make stays.
 */
export function restore({ path, file, origin, ours, sensitive = false }: Restored): Verdict {
  if (origin.state === 'unreadable') return unseen(`What ${path} was before`, origin);
  if (file.state === 'unreadable') return unseen(path, file);
  if (file.state === 'absent') return { verdict: 'ok', reason: 'it is not there' };
  if (origin.state === 'absent')
    return { verdict: 'ok', reason: 'harden neither made nor changed it: it stays' };
  const { before, written } = origin.value;
  const now = file.value;
  if (now.kind !== 'file') return wrongKind(path, 'a regular file');
  if (isAsBefore(before, now)) return { verdict: 'ok', reason: 'it is as it was before harden' };
  if (before.state === 'attributes')
    return change('its owner or mode is not what it was', restoreAttributes(now, before));
  const content = now.content;
  if (!content) return blocked(`${path} is too large to be given back; it was left alone`);
  const known = [...(written ? [written] : []), ...ours];
  const untouched = known.some((one) => one.equals(content));
  if (before.state === 'absent') {
    if (!untouched)
      return blocked(`${path} was made by harden and changed by others since; remove it yourself`);
    return change('harden made it', [
      {
        kind: 'remove-file',
        path: now.realPath,
        sha256: now.sha256 ?? '',
        ...(sensitive ? { sensitive } : { content }),
      },
    ]);
  }
  const { mode, owner, group } = before;
  const wanted = untouched ? before.content : merged(known, content, before.content);
  if (!wanted)
    return blocked(
      `${path} was changed by others where harden had changed it; take out yourself what harden wrote`,
    );
  return change(
    untouched ? 'harden changed it' : 'harden changed it, and others elsewhere in it: their changes stay',
    [
      {
        ...writeOver(path, now, wanted),
        mode,
        owner,
        group,
        restores: true,
        ...(sensitive ? { sensitive } : {}),
      },
    ],
  );
}

const change = (reason: string, changes: readonly Change[]): Verdict => ({
  verdict: 'change',
  reason,
  changes,
});

const isAsBefore = (before: Before, now: FileState): boolean =>
  before.state !== 'absent' &&
  !attributeDrift(now, before) &&
  (before.state === 'attributes' || now.sha256 === sha256(before.content));

/** Only owner and mode go back. */
function restoreAttributes(now: FileState, before: Before): Change[] {
  const drift = before.state === 'absent' ? undefined : attributeDrift(now, before);
  return drift ? [{ ...drift, restores: true }] : [];
}

/** What others changed since in what harden wrote, on top of what stood there before; undefined if both touch the same lines. */
function merged(written: readonly Buffer[], now: Buffer, before: Buffer): Buffer | undefined {
  for (const base of written) {
    // one character a byte: whatever the encoding, what is not changed comes out as it went in
    const [was, wrote, is] = [before, base, now].map((bytes) => bytes.toString('latin1')) as [
      string,
      string,
      string,
    ];
    const undo = structuredPatch('', '', wrote, was, undefined, undefined, { context: 3 });
    const text = applyPatch(is, undo, { fuzzFactor: 0, autoConvertLineEndings: false });
    if (text !== false) return Buffer.from(text, 'latin1');
  }
  return undefined;
}
