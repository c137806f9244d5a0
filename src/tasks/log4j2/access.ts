import type { FileState } from '../../probes/file.ts';
import { type Attributes, octal } from '../common/attributes.ts';

/**
 * What James's configuration needs beside its content: that James, who runs as the owner of its log's folder, can read
 * it, and that not everybody can change what James runs.
 */
export function wantedAccess(file: FileState, logs: FileState): Attributes {
  const mode = Number.parseInt(file.mode, 8);
  const readable =
    file.owner === logs.owner ? mode & 0o400 : file.group === logs.group ? mode & 0o040 : mode & 0o004;
  const closed = mode & ~0o002;
  return readable ? { mode: octal(closed) } : { owner: logs.owner, mode: octal(closed | 0o400) };
}
