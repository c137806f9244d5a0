import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type Document as YamlDocument,
} from 'yaml';
import { InputError, type Problem } from './problem.ts';

export type Path = readonly (string | number)[];

/** A range of characters in a file. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A YAML file that knows where everything in it stands. */
export class SourceDocument {
  /** As shown: relative to the current folder. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  /** Plain data. Of a key that stands twice in one map, the last. */
  readonly value: unknown;
  /** What is wrong with it already, though the rest can be read. */
  readonly problems: readonly Problem[];
  readonly #text: string;
  readonly #yaml: YamlDocument;
  readonly #lines: LineCounter;

  private constructor(
    path: string,
    file: string,
    text: string,
    yaml: YamlDocument,
    lines: LineCounter,
    value: unknown,
    problems: readonly Problem[],
  ) {
    this.path = path;
    this.file = file;
    this.value = value;
    this.problems = problems;
    this.#text = text;
    this.#yaml = yaml;
    this.#lines = lines;
  }

  /** Reads and parses; throws `InputError` with every error that keeps the rest from being understood. */
  static async read(path: string, cwd: string): Promise<SourceDocument> {
    const file = shownPath(path, cwd);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      throw new InputError([{ file, message: `cannot be read: ${readFailure(error)}` }]);
    }
    return SourceDocument.parse(path, file, text);
  }

  static parse(path: string, file: string, text: string): SourceDocument {
    const lines = new LineCounter();
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      stringKeys: true,
      uniqueKeys: false,
    });
    if (!Array.isArray(documents) || documents.length === 0)
      throw new InputError([{ file, message: 'is empty' }]);
    const [yaml, second] = documents as YamlDocument[];
    const place = (range: Range, message: string) => problemAt(file, text, lines, range, message);
    const aliases: Problem[] = [];
    const doubled: Problem[] = [];
    visit(yaml!, {
      Map(_, { items }) {
        const first = new Map<unknown, number>();
        for (const { key } of items) {
          if (!isScalar(key)) continue;
          const { start, end } = rangeOf(key);
          const line = first.get(key.value);
          if (line === undefined) first.set(key.value, lines.linePos(start).line);
          else doubled.push(place({ start, end }, `the key "${key.value}" stands in line ${line} already`));
        }
      },
      Alias(_, alias) {
        if (alias.resolve(yaml!)) return;
        const [start = 0, end = 0] = alias.range ?? [];
        aliases.push({
          ...place({ start, end }, `there is no anchor &${alias.source}`),
          hint: 'put the text in quotes if the * is part of it',
        });
      },
    });
    const problems = [...yaml!.errors, ...yaml!.warnings].map(({ pos, message }) =>
      place({ start: pos[0], end: pos[1] }, `is not valid YAML: ${message}`),
    );
    if (second)
      problems.push(
        place(
          { start: second.range?.[0] ?? 0, end: (second.range?.[0] ?? 0) + 1 },
          'a file holds one document only',
        ),
      );
    if (problems.length + aliases.length > 0) throw new InputError([...problems, ...aliases]);
    if (yaml!.contents === null) throw new InputError([{ file, message: 'is empty' }]);
    let value: unknown;
    try {
      value = yaml!.toJS({ maxAliasCount: 100 });
    } catch {
      throw new InputError([{ file, message: 'repeats its anchors too often' }]);
    }
    return new SourceDocument(path, file, text, yaml!, lines, value, doubled);
  }

  /** A problem with the value at `path`, or with what is nearest to it; `at: 'key'` underlines the key instead. */
  problem(
    path: Path,
    message: string,
    options: { at?: 'key' | 'value'; hint?: string | undefined; part?: string } = {},
  ): Problem {
    const { key, value } = this.#locate(path);
    let range = options.at === 'key' ? (key ?? value) : (value ?? key);
    if (options.part) {
      const start = this.#text.slice(range.start, range.end).indexOf(options.part);
      if (start >= 0) range = { start: range.start + start, end: range.start + start + options.part.length };
    }
    return {
      ...problemAt(this.file, this.#text, this.#lines, range, message),
      ...(options.hint ? { hint: options.hint } : {}),
    };
  }

  /** `file:line:column` of the value at `path`. */
  place(path: Path, at: 'key' | 'value' = 'value'): string {
    const { key, value } = this.#locate(path);
    const { line, col } = this.#lines.linePos(((at === 'key' ? key : value) ?? value).start);
    return `${this.file}:${line}:${col}`;
  }

  /** The path cut where this file no longer has it: the rest is inside a variable's value. */
  known(path: Path): Path {
    let node = this.#resolve(this.#yaml.contents as Node);
    for (const [index, part] of path.entries()) {
      const next = this.#child(node, part)?.value;
      if (!next) return path.slice(0, index);
      node = next;
    }
    return path;
  }

  #locate(path: Path): { key?: Range; value: Range } {
    let node = this.#resolve(this.#yaml.contents as Node);
    let found: { key?: Range; value: Range } = { value: rangeOf(node) };
    for (const part of path) {
      const child = this.#child(node, part);
      if (!child) break;
      node = child.value ?? node;
      const value = child.value ? rangeOf(child.value) : undefined;
      found = { key: child.key ?? value ?? found.value, value: value ?? child.key ?? found.value };
    }
    return found;
  }

  #child(node: Node | null, part: string | number): { key?: Range; value: Node | null } | undefined {
    if (isSeq(node)) {
      const item = node.items[Number(part)];
      return item === undefined || isPair(item) ? undefined : { value: this.#resolve(item as Node) };
    }
    if (!isMap(node)) return undefined;
    // of a key that stands twice the last one counts
    for (const pair of node.items.toReversed()) {
      if (isScalar(pair.key) && String(pair.key.value) === String(part)) {
        return { key: rangeOf(pair.key), value: this.#resolve(pair.value as Node | null) };
      }
    }
    for (const pair of node.items) {
      if (!isScalar(pair.key) || pair.key.value !== '<<') continue;
      const merged = this.#resolve(pair.value as Node | null);
      for (const source of isSeq(merged) ? merged.items : [merged]) {
        const child = this.#child(this.#resolve(source as Node | null), part);
        if (child) return child;
      }
    }
    return undefined;
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? ((node.resolve(this.#yaml) as Node | undefined) ?? null) : node;
  }
}

const rangeOf = (node: Node | null): Range => ({ start: node?.range?.[0] ?? 0, end: node?.range?.[1] ?? 0 });

const shownPath = (path: string, cwd: string): string => relative(cwd, path) || path;

function problemAt(
  file: string,
  text: string,
  lines: LineCounter,
  { start, end }: Range,
  message: string,
): Problem {
  const { line, col } = lines.linePos(Math.min(start, Math.max(0, text.length - 1)));
  const excerpt = text.split('\n')[line - 1]?.replace(/\r$/, '') ?? '';
  const firstLine = text.slice(start, end).split('\n')[0]?.trimEnd() ?? '';
  return { file, line, column: col, length: firstLine.length, excerpt, message };
}

/** A map as it was written; nothing where something else stands. */
export const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

/** Why a file cannot be read, in words. */
export function readFailure(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return code ?? String(error);
}
