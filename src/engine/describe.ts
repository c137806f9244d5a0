import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { ChangeResult } from '../report/result.ts';
import type { Change } from '../tasks/change.ts';
import { title } from './title.ts';

/** Lines of one diff that are shown at most. */
const DIFF_LINES = 400;

/** A change as people and programs are told of it. */
export function describe(change: Change): ChangeResult {
  const summary = title(change);
  switch (change.kind) {
    case 'write-file': {
      const { path, before, content, sensitive } = change;
      const old = before.state === 'absent' ? Buffer.alloc(0) : before.content;
      if (sensitive || !old) return { kind: 'file', path, summary };
      return {
        kind: 'file',
        path,
        summary,
        diff: unified(path, before.state === 'absent' ? undefined : text(old), text(content)),
      };
    }
    case 'restore-file': {
      const { path, before, content, sensitive } = change;
      const old = before.state === 'absent' ? undefined : before.content;
      if (sensitive || !content || (before.state !== 'absent' && !old))
        return { kind: 'file', path, summary };
      return { kind: 'file', path, summary, diff: unified(path, old && text(old), text(content)) };
    }
    case 'set-attributes':
      return { kind: 'attributes', path: change.path, summary };
    case 'make-directory':
      return { kind: 'directory', path: change.path, summary };
    case 'remove-file': {
      const { path, content, sensitive } = change;
      if (sensitive || !content) return { kind: 'file', path, summary };
      return { kind: 'file', path, summary, diff: unified(path, text(content), undefined) };
    }
    case 'remove-directory':
      return { kind: 'directory', path: change.path, summary };
    case 'install-packages':
    case 'remove-packages':
      return { kind: 'packages', summary };
    case 'control-unit':
      return { kind: 'unit', summary };
    case 'run-command':
      return { kind: 'command', summary };
    case 'load-rules':
      return { kind: 'rules', summary, diff: rulesDiff(change.family, change.before, change.after) };
    case 'remove-rules':
      return { kind: 'rules', summary, diff: rulesDiff(change.family, change.before, []) };
    case 'sync-fail2ban':
      return { kind: 'fail2ban', summary };
  }
}

function rulesDiff(family: string, before: readonly string[], after: readonly string[]): string {
  const join = (rules: readonly string[]) =>
    rules.length === 0 ? undefined : rules.map((rule) => `${rule}\n`).join('');
  return unified(`${family} rules`, join(before), join(after));
}

const text = (bytes: Buffer): string =>
  bytes.includes(0) ? `(binary, ${bytes.length} bytes)\n` : bytes.toString();

/** Lines that may differ in a diff: more cost seconds, in which nothing else is attended to. */
const EDITS = 2000;

/** What is not there is undefined. */
function unified(name: string, before: string | undefined, after: string | undefined): string {
  const [from, to] = [before === undefined ? '/dev/null' : name, after === undefined ? '/dev/null' : name];
  const patch = createTwoFilesPatch(from, to, before ?? '', after ?? '', undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
    maxEditLength: EDITS,
  });
  const lines = (text: string) => text.split('\n').length - 1;
  if (patch === undefined) {
    return `(too much differs to be shown: ${lines(before ?? '')} lines before, ${lines(after ?? '')} after)`;
  }
  const all = patch.replace(/\n$/, '').split('\n');
  return all.length <= DIFF_LINES
    ? all.join('\n')
    : [...all.slice(0, DIFF_LINES), `… ${all.length - DIFF_LINES} more lines`].join('\n');
}
