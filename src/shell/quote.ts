/**
 * A piece of POSIX sh. Only `sh` and `raw` make one, so text that came from a file, a host or a log
 * cannot become code by accident: it is quoted where it is interpolated.
 */
export class Sh {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/** `text` as one literal word of any POSIX shell. NUL cannot be part of a word and is refused. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new RangeError('a NUL character cannot be passed to a shell');
  return `'${text.replaceAll("'", "'\\''")}'`;
}

type Interpolated = string | number | Sh | readonly (string | number | Sh)[];

function word(value: Interpolated): string {
  if (Array.isArray(value)) return value.map(word).join(' ');
  return value instanceof Sh ? value.text : quote(String(value));
}

/** Shell text in which every interpolated value is one quoted word; a list becomes several; `Sh` stays code. */
export function sh(strings: TemplateStringsArray, ...values: Interpolated[]): Sh {
  return new Sh(String.raw({ raw: strings.raw }, ...values.map(word)));
}

/** Marks text of our own as shell code. Never give it anything from outside. */
export function raw(code: string): Sh {
  return new Sh(code);
}

/** Several pieces, one a line. */
export function lines(parts: readonly Sh[]): Sh {
  return new Sh(parts.map((part) => part.text).join('\n'));
}
