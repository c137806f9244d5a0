import { feed } from '../../shell/frame.ts';
import { lines, type Sh, sh } from '../../shell/quote.ts';
import type {
  MakeDirectory,
  RemoveDirectory,
  RemoveFile,
  RestoreFile,
  SetAttributes,
  WriteFile,
} from '../../tasks/change.ts';
import { sha256 } from '../../tasks/common/write.ts';

export function writeFile(change: WriteFile): Sh {
  const { path, before, content, mode, owner, group, validate, sensitive } = change;
  const expected = before.state === 'absent' ? 'absent' : before.sha256;
  const write = feed(
    sh`write_file ${path} ${expected} ${sha256(content)} ${mode ?? ''} ${owner ?? ''} ${group ?? ''} ${validate ?? ''} ${sensitive ? 'sensitive' : ''}`,
    content,
  );
  return change.restores ? lines([write, forget(path)]) : write;
}

export function restoreFile({ path, before, copy }: RestoreFile): Sh {
  return sh`restore_file ${path} ${before.state === 'absent' ? 'absent' : before.sha256} ${copy}`;
}

export function setAttributes({ path, mode, owner, group, restores }: SetAttributes): Sh {
  const set = sh`attributes ${path} ${mode ?? ''} ${owner ?? ''} ${group ?? ''}`;
  return restores ? lines([set, forget(path)]) : set;
}

export function removeFile({ path, sha256: sum }: RemoveFile): Sh {
  return lines([sh`remove_file ${path} ${sum}`, forget(path)]);
}

export function removeDirectory({ path }: RemoveDirectory): Sh {
  return lines([sh`remove_directory ${path}`, forget(path)]);
}

/** What stood there before harden has been given back: a later run has to note anew what it finds. */
const forget = (path: string): Sh => sh`note_file forgotten ${path}`;

export function makeDirectory({ path, mode, owner, group }: MakeDirectory): Sh {
  return sh`make_directory ${path} ${mode ?? '0755'} ${owner ?? ''} ${group ?? ''}`;
}
