import {
  parseXml,
  type XmlDocument,
  type XmlDocumentType,
  XmlElement,
  XmlError,
  XmlNode,
  XmlText,
} from '@rgrove/parse-xml';
import { Refusal } from './refusal.ts';

/** Half-open range of UTF-16 indices into the source. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Attribute {
  readonly name: string;
  /** Decoded. */
  readonly value: string;
  /** Name, equals sign and quoted value. */
  readonly range: Range;
  /** Between the quotes. */
  readonly inner: Range;
  readonly quote: string;
}

export interface Element {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly children: readonly Element[];
  /** Own text without that of children, decoded and trimmed, as log4j2 takes it. */
  readonly text: string;
  readonly range: Range;
  /** Between start and end tag; undefined for `<a/>`. */
  readonly inner: Range | undefined;
  /** Index behind the name in the start tag. */
  readonly nameEnd: number;
}

/** Deeper than any configuration; parser and readers recurse. */
const DEPTH_LIMIT = 100;

const OPTIONS = {
  includeOffsets: true,
  preserveComments: true,
  preserveDocumentType: true,
  preserveXmlDeclaration: true,
};

/** The root element with exact ranges. Throws a Refusal for what is not well-formed or has a DOCTYPE. */
export function parse(source: string): Element {
  // Entities of a DOCTYPE would else be reported as an error before the DOCTYPE itself.
  refuseDoctype(source, read(source, true));
  const { root } = read(source, false);
  if (!root) throw new Refusal('the file has no root element', 0);
  return element(source, root, 0);
}

function read(source: string, ignoreUndefinedEntities: boolean): XmlDocument {
  try {
    return parseXml(source, { ...OPTIONS, ignoreUndefinedEntities });
  } catch (error) {
    if (error instanceof RangeError) throw new Refusal('its elements are nested too deeply', 0);
    if (!(error instanceof XmlError)) throw error;
    // The parser counts characters, not UTF-16 units.
    const offset = [...source].slice(0, error.pos).join('').length;
    if (/^\s*(#|log4j\.)/.test(source) && /^\s*log4j\.\w/m.test(source)) {
      throw new Refusal('the file is a properties file of log4j 1, not an XML file of log4j2', 0);
    }
    throw new Refusal(`the file is not well-formed XML (${error.message.split(' (line ')[0]})`, offset);
  }
}

function refuseDoctype(source: string, document: XmlDocument): void {
  const doctype = document.children.find(
    (node): node is XmlDocumentType => node.type === XmlNode.TYPE_DOCUMENT_TYPE,
  );
  if (!doctype) return;
  if (/^log4j:/.test(document.root?.name ?? '')) {
    throw new Refusal('the file is a log4j 1 configuration', doctype.start);
  }
  const name = source.slice(doctype.start, doctype.start + 9);
  throw new Refusal(`it has a ${name.slice(2)}, whose entities are not expanded`, doctype.start);
}

const ATTRIBUTE = /[ \t\r\n]+([^ \t\r\n=/>]+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')/y;
const TAG_END = /[ \t\r\n]*(\/?)>/y;

function element(source: string, node: XmlElement, depth: number): Element {
  const start = node.start;
  // The parser says Infinity for the end of a text with characters beyond U+FFFF.
  const end = Math.min(node.end, source.length);
  const nameEnd = start + 1 + node.name.length;
  if (depth > DEPTH_LIMIT) throw new Refusal('its elements are nested too deeply', start);
  if (source.slice(start, nameEnd) !== `<${node.name}` || source[end - 1] !== '>') {
    throw new Error(`The XML parser's offsets do not fit the text at ${start}.`);
  }

  const attributes: Attribute[] = [];
  let at = nameEnd;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(source);
    if (!match) break;
    const [whole, name, quoted] = match as unknown as [string, string, string];
    at += whole.length;
    attributes.push({
      name,
      value: node.attributes[name] ?? '',
      range: { start: match.index + whole.search(/[^ \t\r\n]/), end: at },
      inner: { start: at - quoted.length + 1, end: at - 1 },
      quote: quoted[0]!,
    });
  }
  TAG_END.lastIndex = at;
  const tag = TAG_END.exec(source);
  if (!tag) throw new Error(`The start tag at ${start} does not end where the XML parser says.`);

  return {
    name: node.name,
    attributes,
    children: node.children
      .filter((child) => child instanceof XmlElement)
      .map((child) => element(source, child, depth + 1)),
    text: node.children
      .map((child) => (child instanceof XmlText ? child.text : ''))
      .join('')
      .trim(),
    range: { start, end },
    inner: tag[1] ? undefined : { start: TAG_END.lastIndex, end: source.lastIndexOf('</', end - 1) },
    nameEnd,
  };
}

/** An element and everything below it, in document order. */
export function* walk(top: Element): Generator<Element> {
  yield top;
  for (const child of top.children) yield* walk(child);
}

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
