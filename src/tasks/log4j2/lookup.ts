import { posix } from 'node:path';

/** Stands for text that only log4j2 at run time knows; XML cannot contain it. */
export const UNKNOWN = '\0';

/** Longest text that properties may expand to: two lines of properties can otherwise fill the memory. */
const EXPANSION_LIMIT = 8192;

/** Replaces each outermost `${…}` (or escaped `$${…}`); `body` is what stands between the braces. */
function replaceLookups(text: string, replacement: (body: string, whole: string) => string): string {
  let result = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('${', at);
    const close = open < 0 ? -1 : closingBrace(text, open + 2);
    if (close < 0) return result + text.slice(at);
    const start = open > at && text[open - 1] === '$' ? open - 1 : open;
    result += text.slice(at, start) + replacement(text.slice(open + 2, close), text.slice(start, close + 1));
    at = close + 1;
  }
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let index = from; index < text.length; index++) {
    if (text[index] === '{') depth++;
    else if (text[index] === '}' && --depth === 0) return index;
  }
  return -1;
}

const defaultOf = (body: string): string | undefined => {
  const at = body.indexOf(':-');
  return at < 0 ? undefined : body.slice(at + 2);
};

/** The text with the file's own properties put in; lookups like `${sys:app.home}` remain. */
export function inlineProperties(text: string, properties: ReadonlyMap<string, string>): string {
  let budget = EXPANSION_LIMIT;
  const expand = (part: string, open: ReadonlySet<string>): string =>
    replaceLookups(part, (body, whole) => {
      const name = body.split(':-')[0]!;
      const value = properties.get(name);
      budget -= (value?.length ?? 0) + 1;
      if (value === undefined || open.has(name) || budget < 0) return whole;
      return expand(value, new Set([...open, name]));
    });
  return expand(text, new Set());
}

/** What an inlined text may become: each lookup as UNKNOWN, and each as its default where it has one. */
export function renderings(inlined: string): readonly string[] {
  const byDefault = (text: string): string =>
    replaceLookups(text, (body) => {
      const value = defaultOf(body);
      return value === undefined ? UNKNOWN : byDefault(value);
    });
  return [replaceLookups(inlined, () => UNKNOWN), byDefault(inlined)];
}

/**
 * May the path of an appender be the log file? James's working directory is not known (bin/, its home, /), so a
 * relative path or an unknown directory counts if it could be.
 */
export function mayBe(path: string, log: string): boolean {
  const normal = posix.normalize(path);
  if (posix.basename(normal) !== posix.basename(log)) return false;
  const directory = posix.dirname(normal);
  if (directory.includes(UNKNOWN)) return true;
  if (posix.isAbsolute(directory)) return directory === posix.dirname(log);
  const tail = directory.split('/').filter((segment) => segment !== '..' && segment !== '.');
  return tail.length === 0 || posix.dirname(log).endsWith(`/${tail.join('/')}`);
}

/** May a path whose very name is known at run time only be the log file? */
export function couldBecome(path: string, log: string): boolean {
  const parts = posix.basename(path).split(UNKNOWN);
  const name = posix.basename(log);
  return parts.length > 1 && name.startsWith(parts[0]!) && name.endsWith(parts.at(-1)!);
}

/** Index at which the last path segment begins; slashes inside braces (`%d{yyyy/MM}`) separate nothing. */
export function basenameStart(path: string): number {
  let depth = 0;
  let start = 0;
  for (let index = 0; index < path.length; index++) {
    if (path[index] === '{') depth++;
    else if (path[index] === '}') depth--;
    else if (path[index] === '/' && depth <= 0) start = index + 1;
  }
  return start;
}
