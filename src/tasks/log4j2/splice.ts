import { Refusal } from './refusal.ts';
import { type Element, escapeXml } from './xml.ts';

/** Replaces a range of the source. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** An element to be written. */
export interface Markup {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly children?: readonly Markup[];
}

/** Applies edits; throws a Refusal if two overlap, as in an appender of ours that holds another one. */
export function splice(source: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (edit.start < at)
      throw new Refusal('what is wrong here overlaps with what is wrong around it', edit.start);
    result += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + source.slice(at);
}

/** Makes edits that look like the file around them. */
export class Editor {
  readonly #source: string;
  readonly #eol: string;
  readonly #unit: string;

  constructor(source: string, root: Element) {
    this.#source = source;
    this.#eol = /\r\n|\n|\r/.exec(source)?.[0] ?? '\n';
    const outer = this.#indent(root) ?? '';
    const inner = root.children.map((child) => this.#indent(child)).find((indent) => indent !== undefined);
    this.#unit = (inner?.startsWith(outer) && inner.slice(outer.length)) || '  ';
  }

  /** The white space before an element that begins its line. */
  #indent({ range }: Element): string | undefined {
    let at = range.start;
    while (' \t'.includes(this.#source[at - 1] ?? '-')) at--;
    return /[\r\n\uFEFF]/.test(this.#source[at - 1] ?? '\n')
      ? this.#source.slice(at, range.start)
      : undefined;
  }

  /** The end of a range without the white space before it. */
  #trimmedEnd(start: number, end: number): number {
    let at = end;
    while (at > start && ' \t\r\n'.includes(this.#source[at - 1]!)) at--;
    return at;
  }

  /** `indent` undefined: all on one line. */
  #render(markup: Markup, indent: string | undefined): string {
    const tag = [markup.name, ...markup.attributes.map(([name, value]) => `${name}="${escapeXml(value)}"`)];
    if (!markup.children) return `<${tag.join(' ')}/>`;
    const inner = indent === undefined ? undefined : indent + this.#unit;
    const children = markup.children.map((child) => this.#newLine(inner) + this.#render(child, inner));
    return `<${tag.join(' ')}>${children.join('')}${this.#newLine(indent)}</${markup.name}>`;
  }

  #newLine = (indent: string | undefined): string => (indent === undefined ? '' : this.#eol + indent);

  /** Appends children; `<a/>` is opened up. */
  append(parent: Element, markups: readonly Markup[]): Edit {
    const own = this.#indent(parent);
    const beside = parent.children.findLast((child) => this.#indent(child) !== undefined);
    const first = parent.children.length === 0;
    const indent = beside ? this.#indent(beside) : first && own !== undefined ? own + this.#unit : undefined;
    const text = markups.map((markup) => this.#newLine(indent) + this.#render(markup, indent)).join('');
    const closing = indent === undefined ? '' : this.#newLine(own);
    if (!parent.inner) {
      const start = this.#trimmedEnd(parent.nameEnd, parent.range.end - '/>'.length);
      return { start, end: parent.range.end, text: `>${text}${closing}</${parent.name}>` };
    }
    const at = this.#trimmedEnd(parent.inner.start, parent.inner.end);
    const ownLine = /[\r\n]/.test(this.#source.slice(at, parent.inner.end));
    return { start: at, end: at, text: text + (first && !ownLine ? closing : '') };
  }

  replace(element: Element, markup: Markup): Edit {
    return { ...element.range, text: this.#render(markup, this.#indent(element)) };
  }

  /** Removes an element, and its line if nothing else is on it. */
  remove(element: Element): Edit {
    const { start, end } = element.range;
    const indent = this.#indent(element);
    const rest = /^[ \t]*(\r\n|\n|\r)/.exec(this.#source.slice(end));
    if (indent === undefined || !rest) return { start, end, text: '' };
    return { start: start - indent.length, end: end + rest[0].length, text: '' };
  }

  /** Adds an attribute that is not there yet, in the quotes of its neighbour. */
  addAttribute(element: Element, name: string, value: string): Edit {
    const last = element.attributes.at(-1);
    const at = last?.range.end ?? element.nameEnd;
    const quote = last?.quote ?? '"';
    return { start: at, end: at, text: ` ${name}=${quote}${escapeXml(value)}${quote}` };
  }
}
