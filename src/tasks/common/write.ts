import { createHash } from 'node:crypto';
import type { FileState } from '../../probes/file.ts';
import type { WriteFile } from '../change.ts';

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

/** Writes a file that does not exist yet, or over the one that was seen and over no other. */
export function writeOver(path: string, seen: FileState | undefined, content: Buffer): WriteFile {
  if (!seen) return { kind: 'write-file', path, before: { state: 'absent' }, content };
  const { sha256: sum = '', content: old, realPath } = seen;
  const before = { state: 'file' as const, sha256: sum, ...(old ? { content: old } : {}) };
  return { kind: 'write-file', path: realPath, before, content };
}
