/**
 * Reads and edits one section of an ini file as Python's ConfigParser with fail2ban's settings understands it: `=` or
 * `:`, `#` and `;` comments, ` ;` after a value, deeper indented lines continue a value, the last definition wins.
 * Everything that is not edited stays byte for byte.
 */
export interface Setting {
  /** As written, lines of one value joined by a newline, comments removed. `%%` still stands for `%`. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

interface Line {
  readonly text: string;
  /** `''` only at the end of the file. */
  readonly eol: string;
  readonly kind: 'empty' | 'header' | 'option' | 'continuation' | 'unreadable';
  readonly section: string | undefined;
  readonly key: string | undefined;
  /** The value's part of this line. */
  readonly value: string;
}

const indentOf = (text: string): string => /^\s*/.exec(text)?.[0] ?? '';

/** Without comments: a whole line of them, or what follows ` ;`. */
const withoutComment = (text: string): string =>
  /^\s*[#;]/.test(text) ? '' : text.replace(/\s;.*$/s, '').trim();

function parse(text: string): Line[] {
  let section: string | undefined;
  let key: string | undefined;
  let indent = 0;
  return [...text.matchAll(/([^\r\n]*)(\r\n|\n|\r|$)/g)]
    .filter((match) => match[0] !== '')
    .map(([, raw = '', eol = '']): Line => {
      const content = withoutComment(raw);
      if (content === '') return { text: raw, eol, kind: 'empty', section, key: undefined, value: '' };
      const depth = indentOf(raw).length;
      if (key !== undefined && depth > indent)
        return { text: raw, eol, kind: 'continuation', section, key, value: content };
      indent = depth;
      const header = /^\[([^\]]+)\]/.exec(content);
      if (header) {
        section = header[1];
        key = undefined;
        return { text: raw, eol, kind: 'header', section, key, value: '' };
      }
      const option = /^([^=:]*?)\s*[=:]\s*(.*)$/s.exec(content);
      if (section === undefined || !option?.[1])
        return { text: raw, eol, kind: 'unreadable', section, key: undefined, value: '' };
      key = option[1].toLowerCase();
      return { text: raw, eol, kind: 'option', section, key, value: option[2] ?? '' };
    });
}

/** The number of the first line that fail2ban could not read, if there is one: nothing may be defined twice. */
export function unreadableLine(text: string): number | undefined {
  const seen = new Set<string>();
  const index = parse(text).findIndex(({ kind, section, key }) => {
    if (kind === 'unreadable') return true;
    if (kind !== 'option' && (kind !== 'header' || section === 'DEFAULT')) return false;
    const name = JSON.stringify([section, key]);
    if (seen.has(name)) return true;
    seen.add(name);
    return false;
  });
  return index < 0 ? undefined : index + 1;
}

/** What a section sets, by lower-case key; undefined if there is no such section. */
export function readSection(text: string, section: string): ReadonlyMap<string, Setting> | undefined {
  const settings = new Map<string, Setting>();
  let found = false;
  for (const [index, line] of parse(text).entries()) {
    if (line.section !== section) continue;
    found = true;
    if (line.kind === 'option') settings.set(line.key ?? '', { value: line.value, line: index + 1 });
    if (line.kind === 'continuation') {
      const start = settings.get(line.key ?? '');
      if (start) settings.set(line.key ?? '', { ...start, value: `${start.value}\n${line.value}`.trim() });
    }
  }
  return found ? settings : undefined;
}

/** A value as text of an ini file: fail2ban takes `%` for interpolation. */
export const escapeValue = (value: string): string => value.replaceAll('%', '%%');

/** The inverse of `escapeValue`; undefined if the text refers to other values (`%(name)s`). */
export function literalValue(text: string): string | undefined {
  const literal = text.replaceAll('%%', '\0');
  return literal.includes('%') ? undefined : literal.replaceAll('\0', '%');
}

/**
 * The file with these settings in that section; values are written as given (escape them first). A key that is there
 * is changed where it counts, its last definition; a new key goes to the end of the section; a new section to the end.
 */
export function editSection(text: string, section: string, settings: ReadonlyMap<string, string>): string {
  for (const [key, value] of settings) {
    if (/[\r\n]/.test(key + value)) throw new RangeError(`a line break cannot be part of "${key}"`);
    text = setKey(text, section, key, value);
  }
  return text;
}

const join = (parsed: readonly Line[]): string => parsed.map((line) => line.text + line.eol).join('');

function setKey(text: string, section: string, key: string, value: string): string {
  const parsed = parse(text);
  const eol = parsed.find((line) => line.eol !== '')?.eol ?? '\n';
  const at = parsed.findLastIndex(
    (line) => line.kind === 'option' && line.section === section && line.key === key.toLowerCase(),
  );
  const old = parsed[at];
  if (old) {
    const next = parsed.findIndex(
      (line, index) => index > at && (line.kind === 'option' || line.kind === 'header'),
    );
    const rest = parsed.slice(at + 1).filter((line, index) => {
      const inValue = next < 0 || at + 1 + index < next;
      return !(inValue && line.kind === 'continuation');
    });
    return join([...parsed.slice(0, at), { ...old, text: replaceValue(old.text, value) }, ...rest]);
  }
  const last = parsed.findLastIndex((line) => line.section === section && line.kind !== 'empty');
  const anchor = parsed[last];
  if (!anchor) {
    const end = text === '' || /[\r\n]$/.test(text) ? '' : eol;
    const gap = text === '' ? '' : eol;
    return `${text}${end}${gap}[${section}]${eol}${key} = ${value}${eol}`;
  }
  // a line that is indented deeper than the option above it would continue that option's value, as would the next
  // header if it were indented deeper than our line
  const model =
    anchor.kind === 'header'
      ? (parsed.find((line, index) => index > last && line.kind !== 'empty') ?? anchor)
      : parsed.findLast((line, index) => index <= last && line.kind === 'option');
  const added = `${indentOf(model?.text ?? '')}${key} = ${value}${eol}`;
  return (
    join(parsed.slice(0, last)) + anchor.text + (anchor.eol || eol) + added + join(parsed.slice(last + 1))
  );
}

/** One option's line with another value; its spelling, its blanks and a comment behind it stay. */
function replaceValue(line: string, value: string): string {
  const comment = /\s+;.*$/s.exec(line)?.[0] ?? '';
  const setting = line.slice(0, line.length - comment.length);
  const [head = ''] = /^\s*[^=:]*[=:]\s*/.exec(setting) ?? [];
  const gap = head === setting && /\s[=:]$/.test(head) ? ' ' : '';
  return head + gap + value + comment;
}

/**
 * The file with these keys of that section as they were in `before` ('' for a file that was not there), lines and all; a
 * section that was not there then and has nothing left in it goes, too. Undoes `editSection`.
 */
export function restoreSection(
  text: string,
  section: string,
  keys: readonly string[],
  before: string,
): string {
  const old = parse(before);
  const wasThere = old.some((line) => line.section === section);
  const ours = (line: Line): boolean =>
    line.section === section && line.key !== undefined && keys.includes(line.key);
  const kept = parse(text).flatMap((line) => {
    if (!ours(line)) return [line];
    return line.kind === 'option' ? old.filter((one) => ours(one) && one.key === line.key) : [];
  });
  const left = kept.some((line) => line.section === section && line.kind === 'option');
  const header = kept.findIndex((line) => line.section === section && line.kind === 'header');
  if (!wasThere && !left && header >= 0) {
    const gap = kept[header - 1]?.text === '' ? 1 : 0;
    kept.splice(header - gap, 1 + gap);
  }
  const result = join(kept);
  // a file that did not end with a line end got one
  return result.replace(/(\r\n|\n|\r)$/, '') === before ? before : result;
}
