import { sameWidth } from '../text/harmless.ts';

/** A mistake in a file or on the command line, with its place. */
export interface Problem {
  /** As shown: relative to the current folder; `--limit` for a flag. */
  readonly file: string;
  /** From 1. Absent where there is no place in a file. */
  readonly line?: number;
  readonly column?: number;
  /** Characters to underline. */
  readonly length?: number;
  /** The line of the file. */
  readonly excerpt?: string;
  readonly message: string;
  /** Stands under the carets, or behind the message. */
  readonly hint?: string;
}

/** All mistakes at once: nothing was contacted, nothing was touched. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = unique(problems).toSorted(byPlace);
    super(sorted.map(formatProblem).join('\n\n'));
    this.problems = sorted;
  }
}

const unique = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map((problem) => [formatProblem(problem), problem])).values(),
];

const byPlace = (a: Problem, b: Problem): number =>
  a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);

/** Longest part of a line that is shown; a mistake further right is shown by its own part. */
const WIDTH = 100;

/** The problem as `file:line:column message`, the line it is in, and carets under what is meant. */
export function formatProblem({ file, line, column, length, excerpt, message, hint }: Problem): string {
  if (line === undefined || column === undefined || excerpt === undefined) {
    return `${sameWidth(file)}: ${sameWidth(message)}${hint ? ` (${sameWidth(hint)})` : ''}`;
  }
  const cut = column > WIDTH ? column - 20 : 0;
  const shown = excerpt.slice(cut, cut + WIDTH);
  const gutter = String(line).padStart(5);
  const blank = ' '.repeat(gutter.length);
  const start = column - 1 - cut;
  const carets = '^'.repeat(Math.max(1, Math.min(length ?? 1, shown.length - start)));
  return [
    `${sameWidth(file)}:${line}:${column} ${sameWidth(message)}`,
    `${gutter} | ${sameWidth(mask(shown))}`,
    `${blank} | ${' '.repeat(Math.max(0, start))}${carets}${hint ? ` ${sameWidth(hint)}` : ''}`,
  ].join('\n');
}

/** What looks like a secret is not repeated. */
function mask(line: string): string {
  const found = /^(.*?(?:pass(?:word|phrase)?|secret|token)[a-z_-]*["']?\s*:\s*)(\S.*)$/i.exec(line);
  return found ? `${found[1]}${'*'.repeat(found[2]!.length)}` : line;
}
