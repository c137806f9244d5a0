import { inlineProperties } from './lookup.ts';
import { Refusal } from './refusal.ts';
import { type Element, parse, type Range, walk } from './xml.ts';

/** A parameter of a component: an attribute or, log4j2 does not care, a child element with text. */
export interface Parameter {
  readonly value: string;
  /** What to replace for another value. */
  readonly range: Range;
}

/** Names are case-insensitive throughout log4j2. */
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Severity to verbosity; INFO is 4. */
const LEVELS = ['off', 'fatal', 'error', 'warn', 'info', 'debug', 'trace', 'all'];
export const verbosity = (level: string): number => LEVELS.indexOf(level.toLowerCase());
export const INFO = verbosity('info');

const LOGGERS = ['logger', 'asynclogger'];
const ROOTS = ['root', 'asyncroot'];

/** A log4j2.xml as log4j2 2.x reads it. */
export class Configuration {
  readonly root: Element;
  readonly strict: boolean;
  readonly appenders: Element;
  readonly loggers: Element;
  readonly #properties = new Map<string, string>();

  /** Throws a Refusal for what log4j2 would misread or what is not clear. */
  constructor(source: string) {
    this.root = parse(source);
    const { root } = this;
    refuseForeign(root);
    this.strict = same(
      root.attributes.find((attribute) => same(attribute.name, 'strict'))?.value.trim() ?? '',
      'true',
    );
    for (const element of walk(root)) {
      refusePrefix(element);
      this.#refuseCondition(element);
    }
    this.#refuseFilter();
    this.appenders = this.#section('Appenders');
    this.loggers = this.#section('Loggers');
    for (const section of root.children.filter((child) => this.is(child, 'properties'))) {
      for (const property of section.children.filter((child) => this.is(child, 'property'))) {
        const name = this.parameter(property, 'name')?.value;
        if (name) this.#properties.set(name, property.text || this.parameter(property, 'value')?.value || '');
      }
    }
  }

  /** The kind of component in lower case: the tag, or in strict files the attribute `type`. */
  type(element: Element): string {
    const type = this.strict && element.attributes.find((attribute) => same(attribute.name, 'type'))?.value;
    const name = (type || element.name).toLowerCase();
    return name === 'appender-ref' ? 'appenderref' : name;
  }

  is(element: Element, ...types: readonly string[]): boolean {
    return types.includes(this.type(element));
  }

  parameter(element: Element, name: string): Parameter | undefined {
    const attribute = element.attributes.find((candidate) => same(candidate.name, name));
    if (attribute) return { value: attribute.value, range: attribute.inner };
    const child = element.children.find((candidate) => same(candidate.name, name));
    if (!child?.inner || child.children.length > 0) return undefined;
    return { value: child.text, range: child.inner };
  }

  /** A parameter with the file's properties put in. */
  value(element: Element, name: string): string | undefined {
    const parameter = this.parameter(element, name);
    return parameter && this.inline(parameter.value);
  }

  inline(text: string): string {
    return inlineProperties(text, this.#properties);
  }

  /** Loggers by name; of several with one name log4j2 uses the last alone. */
  logger(name: string): Element | undefined {
    return this.loggers.children.findLast(
      (child) => this.is(child, ...LOGGERS) && this.value(child, 'name') === name,
    );
  }

  /** The level that a logger without one of its own inherits. */
  inheritedLevel(name: string): string {
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const ancestor = this.logger(name.slice(0, dot));
      const level = ancestor && this.value(ancestor, 'level');
      if (level) return level;
    }
    const root = this.loggers.children.findLast((child) => this.is(child, ...ROOTS));
    return (root && this.value(root, 'level')) || 'error';
  }

  /** Which part counts is decided by the properties, the environment or the classes of a running James. */
  #refuseCondition(element: Element): void {
    if (!/^(select|springprofile)$|arbiter$/.test(this.type(element))) return;
    throw new Refusal(
      `a <${element.name}> decides only at run time which part of the configuration counts`,
      element.range.start,
    );
  }

  /** A filter of the whole configuration comes before every logger. */
  #refuseFilter(): void {
    const filter = this.root.children.find((child) => /filters?$/.test(this.type(child)));
    if (!filter) return;
    throw new Refusal(
      `the <${filter.name}> of the whole configuration may hold back events that the fail2ban filter reads`,
      filter.range.start,
    );
  }

  #section(name: string): Element {
    const found = this.root.children.filter((child) => this.is(child, name.toLowerCase()));
    if (found[1])
      throw new Refusal(`this is a second <${name}> section; log4j2 uses one alone`, found[1].range.start);
    if (!found[0]) throw new Refusal(`the configuration has no <${name}> section`, this.root.range.start);
    return found[0];
  }
}

function refuseForeign(root: Element): void {
  const refuse = (reason: string, element = root): never => {
    throw new Refusal(reason, element.range.start);
  };
  if (same(root.name, 'log4j:configuration')) refuse('the file is a log4j 1 configuration');
  if (/:configuration$/i.test(root.name)) {
    refuse(`log4j2 does not understand a configuration with a namespace prefix (${root.name})`);
  }
  if (!same(root.name, 'configuration')) refuse(`the root element is ${root.name}, not Configuration`);
  const bare = root.children.find((child) => same(child.name, 'appender'));
  if (bare)
    refuse('an appender directly in the root is how log4j 1 and logback are configured, not log4j2', bare);
}

const XINCLUDE = 'http://www.w3.org/2001/XInclude';

function refusePrefix(element: Element): void {
  const included =
    /(^|:)include$/i.test(element.name) &&
    (element.name.includes(':') ||
      element.attributes.some(({ name, value }) => name === 'xmlns' && value === XINCLUDE));
  if (included) {
    throw new Refusal('a part of the configuration is included from another file', element.range.start);
  }
  if (element.name.includes(':')) {
    throw new Refusal(
      `log4j2 does not understand an element with a namespace prefix (${element.name})`,
      element.range.start,
    );
  }
}
