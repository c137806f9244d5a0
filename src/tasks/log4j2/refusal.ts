/** The file is left alone: log4j2 would misread it, or it is not clear what it means. */
export class Refusal extends Error {
  /** UTF-16 index into the text. */
  readonly offset: number;

  /** `reason` is a clause that follows `conf/log4j2.xml:3:1 `. */
  constructor(reason: string, offset: number) {
    super(reason);
    this.offset = offset;
  }
}

/** Line and column as editors count them: from 1, columns in characters, the byte order mark is none. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).replace(/^\uFEFF/, '');
  const lines = before.split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...lines.at(-1)!].length + 1 };
}
