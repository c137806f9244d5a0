import { posix } from 'node:path';
import { Configuration, INFO, verbosity } from './configuration.ts';
import { decode } from './encoding.ts';
import { basenameStart, couldBecome, mayBe, renderings } from './lookup.ts';
import { LOGGERS, NAME, OUR_REF, ourAppender, ourLogger, SMTP, SOURCES, stem, type Wanted } from './ours.ts';
import { position, Refusal } from './refusal.ts';
import { shapeOf, shapeOfMarkup } from './shape.ts';
import { type Edit, Editor, type Markup, splice } from './splice.ts';
import { type Element, escapeXml, walk } from './xml.ts';

export type Patch =
  | { readonly state: 'unchanged'; readonly reason: string; readonly notes: readonly string[] }
  /** `notes`: what was done, one sentence each. */
  | { readonly state: 'patched'; readonly content: Buffer; readonly notes: readonly string[] }
  /** From 1. `reason` is a clause without a full stop. */
  | { readonly state: 'refused'; readonly line: number; readonly column: number; readonly reason: string };

/**
 * Makes a log4j2.xml write what the filters read into a file that nothing else writes. Everything unrelated keeps
 * its bytes; the result, patched again, is unchanged.
 */
export function patchLog4j2(source: Buffer, wanted: Wanted): Patch {
  let text = source.toString('utf8');
  try {
    const decoded = decode(source);
    text = decoded.text;
    const first = new Draft(text, wanted).amend();
    if (first.edits.length === 0) {
      return {
        state: 'unchanged',
        reason: `it writes ${wanted.log} as wanted already`,
        notes: first.warnings,
      };
    }
    const patched = splice(text, first.edits);
    const content = Buffer.from(patched, decoded.encoding);
    prove(content, wanted);
    return { state: 'patched', content, notes: [...first.notes, ...first.warnings] };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { state: 'refused', ...position(text, error.offset), reason: error.message };
  }
}

/** Reads the result afresh: it must be well-formed and leave nothing to do. */
function prove(content: Buffer, wanted: Wanted): void {
  const again = new Draft(decode(content).text, wanted).amend();
  if (again.edits.length > 0) {
    throw new Refusal('a patch of this file would not hold: patched again it would change again', 0);
  }
}

const FILE_APPENDERS = [
  'file',
  'rollingfile',
  'randomaccessfile',
  'rollingrandomaccessfile',
  'memorymappedfile',
];

class Draft {
  readonly edits: Edit[] = [];
  /** What the edits do. */
  readonly notes: string[] = [];
  /** What the user should know, whether or not anything is edited. */
  readonly warnings: string[] = [];
  readonly #source: string;
  readonly #configuration: Configuration;
  readonly #editor: Editor;
  readonly #wanted: Wanted;
  /** References to our appender that belong where they are. */
  readonly #kept = new Set<Element>();

  constructor(source: string, wanted: Wanted) {
    this.#source = source;
    this.#configuration = new Configuration(source);
    this.#editor = new Editor(source, this.#configuration.root);
    this.#wanted = wanted;
  }

  amend(): this {
    this.#reserveName();
    this.#reload();
    this.#moveOthers();
    this.#appender();
    this.#loggers();
    this.#removeForeignReferences();
    return this;
  }

  /** Refuses any use of our name that is neither our appender nor a reference to it. */
  #reserveName(): void {
    const { appenders, root } = this.#configuration;
    for (const element of walk(root)) {
      const isOurs = appenders.children.includes(element) && this.#configuration.is(element, 'rollingfile');
      for (const { name, value, range } of element.attributes) {
        const allowed =
          (isOurs && name.toLowerCase() === 'name') ||
          (this.#configuration.is(element, 'appenderref') && name.toLowerCase() === 'ref');
        const inRefs = name.toLowerCase() === 'levelandrefs' && value.includes(NAME);
        if (inRefs || (value.trim() === NAME && !allowed)) {
          throw new Refusal(`the name ${NAME} is already used by a <${element.name}>`, range.start);
        }
      }
    }
  }

  #reload(): void {
    const { root } = this.#configuration;
    const interval = this.#configuration.value(root, 'monitorInterval');
    if (interval === undefined) {
      this.edits.push(this.#editor.addAttribute(root, 'monitorInterval', '30'));
      this.notes.push(
        'monitorInterval="30" is added. James must be restarted once by hand: without it log4j2 does not reload a changed file.',
      );
    } else if (!/^\s*[1-9]\d*\s*$/.test(interval)) {
      this.warnings.push(
        `monitorInterval="${interval}" keeps log4j2 from reloading a changed file: James must be restarted by hand after a change.`,
      );
    }
  }

  #ours(): readonly Element[] {
    return this.#configuration.appenders.children.filter(
      (child) => this.#configuration.parameter(child, 'name')?.value === NAME,
    );
  }

  /** Text of other loggers in our file is a way to forge lines: whoever writes it moves to another file. */
  #moveOthers(): void {
    const { log } = this.#wanted;
    const ours = this.#ours();
    const others = [...walk(this.#configuration.root)].filter(
      (element) => this.#configuration.is(element, ...FILE_APPENDERS) && !ours.includes(element),
    );
    const writes = (element: Element, path: string): boolean =>
      ['fileName', 'filePattern'].some((name) => {
        const value = this.#configuration.value(element, name);
        return value !== undefined && renderings(value).some((rendering) => mayBe(rendering, path));
      });
    const moving = others.filter((element) => writes(element, log));
    const staying = others.filter((element) => !moving.includes(element));
    const extension = posix.extname(log);
    let server = `${stem(log)}-server`;
    for (
      let count = 2;
      staying.some((element) => writes(element, beside(log, server + extension)));
      count++
    ) {
      server = `${stem(log)}-server-${count}`;
    }

    for (const element of moving) {
      this.#rename(element, 'fileName', server);
      this.#rename(element, 'filePattern', server);
      this.notes.push(
        `Appender "${this.#configuration.value(element, 'name') ?? ''}" moves to ${server}${extension}, with all that refers to it: nothing but the events that the filter reads may be in ${posix.basename(log)}, or lines could be forged.`,
      );
    }
    for (const element of staying) {
      const path = this.#configuration.value(element, 'fileName') ?? '';
      if (renderings(path).some((rendering) => couldBecome(rendering, log))) {
        this.warnings.push(
          `Where appender "${this.#configuration.value(element, 'name') ?? ''}" writes (${path}) is known at run time only: see that it is not ${log}.`,
        );
      }
    }
  }

  #rename(element: Element, name: 'fileName' | 'filePattern', server: string): void {
    const parameter = this.#configuration.parameter(element, name);
    if (!parameter) return;
    const value = movedPath(
      [parameter.value, this.#configuration.inline(parameter.value)],
      this.#wanted.log,
      server,
    );
    if (value !== undefined && value !== parameter.value)
      this.#setValue(parameter.range, parameter.value, value);
  }

  /** Keeps the spelling of the source as far as the value stays. */
  #setValue(range: { start: number; end: number }, before: string, after: string): void {
    const raw = this.#source.slice(range.start, range.end);
    const plain = raw.trim() === before && !/[<>&"']/.test(after);
    this.edits.push({ ...range, text: plain ? raw.replace(before, () => after) : escapeXml(after) });
  }

  /** Exactly one appender of our name, exactly as it shall be. */
  #appender(): void {
    const { strict, appenders } = this.#configuration;
    const markup = ourAppender(this.#wanted, strict);
    const [first, ...more] = this.#ours();
    for (const element of more) this.edits.push(this.#editor.remove(element));
    if (more.length > 0) this.notes.push(`Further appenders of the name "${NAME}" are removed.`);
    if (!first) {
      this.edits.push(this.#editor.append(appenders, [markup]));
      this.notes.push(
        `Appender "${NAME}" is added: it alone writes ${this.#wanted.log}, in the layout that the filter reads.`,
      );
    } else if (shapeOf(this.#configuration, first) !== shapeOfMarkup(markup, strict)) {
      this.edits.push(this.#editor.replace(first, markup));
      this.notes.push(`Appender "${NAME}" was altered: it is put right.`);
    }
  }

  #loggers(): void {
    const added: Markup[] = [];
    for (const name of LOGGERS) {
      const logger = this.#configuration.logger(name);
      if (logger) {
        this.#letInfoThrough(name, logger);
        this.#refer(name, logger);
        continue;
      }
      // More than INFO went through so far, to appenders further up: it still does.
      const inherited = this.#configuration.inheritedLevel(name);
      const level = verbosity(inherited) > INFO ? inherited.toLowerCase() : 'info';
      added.push(ourLogger(name, level));
      this.notes.push(
        `Logger ${name} is added, at level ${level}; its events go to "${NAME}" and still where they went before.`,
      );
    }
    for (const name of holdingBack()) {
      const logger = this.#configuration.logger(name);
      if (!logger) continue;
      this.#letInfoThrough(name, logger);
      const additivity = this.#configuration.value(logger, 'additivity');
      if (additivity !== undefined && additivity.toLowerCase() !== 'true') this.#refer(name, logger);
    }
    if (added.length > 0) this.edits.push(this.#editor.append(this.#configuration.loggers, added));
  }

  #letInfoThrough(name: string, logger: Element): void {
    const refusal = (what: string): Refusal =>
      new Refusal(`logger ${name} ${what}; whether its events would arrive is not clear`, logger.range.start);
    if (this.#configuration.parameter(logger, 'levelAndRefs')) throw refusal('uses levelAndRefs');
    const parameters = ['name', 'level', 'additivity', 'includelocation'];
    const filter = logger.children.find(
      (child) =>
        !this.#configuration.is(child, 'appenderref', 'property') &&
        !parameters.includes(child.name.toLowerCase()),
    );
    if (filter) throw refusal(`has a <${filter.name}> of its own`);

    const own = this.#configuration.value(logger, 'level');
    const level = own || this.#configuration.inheritedLevel(name);
    if (verbosity(level) < INFO) {
      this.#set(logger, 'level', 'info');
      this.notes.push(
        `Logger ${name} was at level ${level}, which drops what the filter reads: it is at info now.`,
      );
    }
    // %C needs the location, which asynchronous loggers leave out unless told.
    const location = this.#configuration.value(logger, 'includeLocation');
    const located =
      location?.toLowerCase() === 'true' ||
      (location === undefined && !this.#configuration.is(logger, 'asynclogger'));
    if (!located) {
      this.#set(logger, 'includeLocation', 'true');
      this.notes.push(
        `Logger ${name} left out the class of an event, which the filter reads: includeLocation is true now.`,
      );
    }
  }

  /** One reference to our appender, with the level and without filters. */
  #refer(name: string, logger: Element): void {
    const reference = logger.children.find((child) => this.#refersToUs(child));
    if (!reference) {
      this.edits.push(this.#editor.append(logger, [OUR_REF]));
      this.notes.push(`Logger ${name} gets a reference to "${NAME}" beside what it has.`);
      return;
    }
    this.#kept.add(reference);
    if (shapeOf(this.#configuration, reference) !== shapeOfMarkup(OUR_REF, false)) {
      this.edits.push(this.#editor.replace(reference, OUR_REF));
      this.notes.push(`The reference of logger ${name} to "${NAME}" was altered: it is put right.`);
    }
  }

  #refersToUs(element: Element): boolean {
    return (
      this.#configuration.is(element, 'appenderref') && this.#configuration.value(element, 'ref') === NAME
    );
  }

  #removeForeignReferences(): void {
    for (const element of walk(this.#configuration.root)) {
      if (!this.#refersToUs(element) || this.#kept.has(element)) continue;
      const { line } = position(this.#source, element.range.start);
      this.edits.push(this.#editor.remove(element));
      this.notes.push(
        `A reference to "${NAME}" in line ${line} is removed: other events in its file are a way to forge lines.`,
      );
    }
  }

  #set(element: Element, name: string, value: string): void {
    const parameter = this.#configuration.parameter(element, name);
    if (parameter) this.#setValue(parameter.range, parameter.value, value);
    else this.edits.push(this.#editor.addAttribute(element, name, value));
  }
}

const beside = (log: string, name: string): string => posix.join(posix.dirname(log), name);

/** Names of loggers below the SMTP logger that stand between it and a genuine event. */
function holdingBack(): ReadonlySet<string> {
  const names = new Set<string>();
  for (const source of SOURCES) {
    for (let name: string = source; name !== SMTP; name = name.slice(0, name.lastIndexOf('.')))
      names.add(name);
  }
  return names;
}

/**
 * `james.log` → `james-server.log`, `james.%i.log.gz` → `james-server.%i.log.gz`. `spellings`: the value as it is
 * written, and with properties put in. Undefined: another name, which stays.
 */
function movedPath(spellings: readonly string[], log: string, server: string): string | undefined {
  const prefix = stem(log);
  for (const spelling of spellings) {
    const start = basenameStart(spelling);
    const rest = spelling.slice(start + prefix.length);
    if (spelling.startsWith(prefix, start) && /^([.%]|-%|$)/.test(rest))
      return spelling.slice(0, start) + server + rest;
  }
  const hidden = spellings.some((spelling) =>
    renderings(spelling).some((rendering) => mayBe(rendering, log)),
  );
  return hidden ? beside(log, server + posix.extname(log)) : undefined;
}
