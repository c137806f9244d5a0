import { feed } from '../../shell/frame.ts';
import { type Sh, sh } from '../../shell/quote.ts';
import type { MakeDirectory, SetAttributes, WriteFile } from '../../tasks/change.ts';
import { sha256 } from '../../tasks/common/write.ts';

export function writeFile({ path, before, content, mode, owner, group, validate }: WriteFile): Sh {
  const expected = before.state === 'absent' ? 'absent' : before.sha256;
  return feed(
    sh`write_file ${path} ${expected} ${sha256(content)} ${mode ?? ''} ${owner ?? ''} ${group ?? ''} ${validate ?? ''}`,
    content,
  );
}

export function setAttributes({ path, mode, owner, group }: SetAttributes): Sh {
  return sh`attributes ${path} ${mode ?? ''} ${owner ?? ''} ${group ?? ''}`;
}

export function makeDirectory({ path, mode, owner, group }: MakeDirectory): Sh {
  return sh`make_directory ${path} ${mode ?? '0755'} ${owner ?? ''} ${group ?? ''}`;
}
