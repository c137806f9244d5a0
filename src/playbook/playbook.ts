import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Path, readFailure, record, SourceDocument } from '../document/document.ts';
import type { Problem } from '../document/problem.ts';
import { hint } from '../document/suggest.ts';
import { violations } from '../document/validate.ts';
import {
  type AnyTaskType,
  asWanted,
  fileOf,
  type Key,
  type LocalFile,
  type Mistake,
  type Task,
} from '../tasks/task.ts';
import { type Expansion, expand, type Variables } from './expand.ts';
import { PlaybookHead, TASK_ID, TaskHead } from './schema.ts';

/** Bytes of a file beside the playbook at most. */
const LOCAL_LIMIT = 1_048_576;

const HEAD = new Set(Object.keys(TaskHead.properties));

/** A task as it is written, its parameters not expanded yet. */
interface WrittenTask {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly type: AnyTaskType;
  readonly params: unknown;
  /** Of the parameters, in the playbook. */
  readonly path: Path;
  readonly source: string;
}

/** A playbook read and checked as far as no variable matters; its tasks are made per host. */
export class Playbook {
  readonly document: SourceDocument;
  readonly vars: Readonly<Record<string, unknown>>;
  /** Those of which at least the type is known. */
  readonly tasks: readonly WrittenTask[];
  /** What is wrong before variables come in. */
  readonly problems: readonly Problem[];
  readonly #made = new Map<string, MadeTasks>();
  #used: ReadonlySet<string> = new Set();

  private constructor(
    document: SourceDocument,
    vars: Readonly<Record<string, unknown>>,
    tasks: readonly WrittenTask[],
    problems: readonly Problem[],
  ) {
    this.document = document;
    this.vars = vars;
    this.tasks = tasks;
    this.problems = problems;
  }

  /** Throws `InputError` for a file that cannot be read as YAML at all. */
  static async read(
    path: string,
    cwd: string,
    taskTypes: ReadonlyMap<string, AnyTaskType>,
  ): Promise<Playbook> {
    const document = await SourceDocument.read(path, cwd);
    const problems: Problem[] = [
      ...document.problems,
      ...violations(PlaybookHead, document.value).map(({ path: at, message, ...rest }) =>
        document.problem(at, message, rest),
      ),
    ];
    const { tasks: written, vars } = record(document.value);
    const tasks: WrittenTask[] = [];
    for (const [index, item] of (Array.isArray(written) ? written : []).entries()) {
      const task = readTask(document, ['tasks', index], item, taskTypes, problems);
      if (task) tasks.push(task);
    }
    return new Playbook(document, record(vars), tasks, problems);
  }

  /** Variables that its tasks look up. */
  get used(): ReadonlySet<string> {
    return this.#used;
  }

  /** The tasks for these variables, or what is wrong with them. Hosts with the same values share them. */
  async make(variables: Variables): Promise<MadeTasks> {
    const known = this.#made.get(this.#valuesOf(variables));
    if (known) return known;
    const made = await makeTasks(this, variables);
    this.#used = new Set([...this.#used, ...made.used]);
    this.#made.set(this.#valuesOf(variables), made);
    return made;
  }

  /** The values of all variables that were looked up so far. */
  #valuesOf(variables: Variables): string {
    return JSON.stringify([...this.#used].map((name) => [name, variables.get(name)?.value]));
  }
}

export interface MadeTasks {
  readonly tasks: readonly Task[];
  readonly problems: readonly Problem[];
  readonly used: ReadonlySet<string>;
}

function readTask(
  document: SourceDocument,
  path: Path,
  item: unknown,
  taskTypes: ReadonlyMap<string, AnyTaskType>,
  problems: Problem[],
): WrittenTask | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    problems.push(document.problem(path, 'a task is a map of id, name and one task type'));
    return undefined;
  }
  for (const { path: at, message, ...rest } of violations(TaskHead, item)) {
    problems.push(document.problem([...path, ...at], message, rest));
  }
  const keys = Object.keys(item).filter((key) => !HEAD.has(key));
  const types = keys.filter((key) => taskTypes.has(key));
  for (const key of keys.filter((one) => !taskTypes.has(one))) {
    problems.push(
      document.problem([...path, key], `unknown task type or key "${key}"`, {
        at: 'key',
        hint: hint(key, [...taskTypes.keys(), ...HEAD]),
      }),
    );
  }
  if (types.length !== 1 && (types.length > 1 || keys.length === 0)) {
    const found = types.length === 0 ? 'none' : types.join(' and ');
    problems.push(document.problem(path, `a task has exactly one task type; this one has ${found}`));
  }
  const [type] = types;
  if (!type || types.length > 1) return undefined;
  // a task with a wrong head is never run, but its parameters are looked at, so that all mistakes are told at once
  const { id, name, tags } = item as Record<string, unknown>;
  return {
    id: String(id),
    name: String(name),
    tags: Array.isArray(tags) ? tags.map(String) : [],
    type: taskTypes.get(type)!,
    params: (item as Record<string, unknown>)[type] ?? {},
    path: [...path, type],
    source: document.place([...path, 'id'], 'key'),
  };
}

async function makeTasks(playbook: Playbook, variables: Variables): Promise<MadeTasks> {
  const problems: Problem[] = [];
  const tasks: Task[] = [];
  const used = new Set<string>();
  for (const written of playbook.tasks) {
    const expansion = expand(written.params, variables);
    for (const name of expansion.used) used.add(name);
    const { params, mistakes } = examined(playbook.document, written, expansion);
    problems.push(...mistakes);
    const local = new Map<string, Buffer>();
    for (const file of (written.type.localFiles?.(params) ?? []) as readonly LocalFile[]) {
      const read = await readLocal(playbook.document, written, file, variables);
      for (const name of read.used) used.add(name);
      if (read.bytes) local.set(file.path, read.bytes);
      else problems.push(...read.problems);
    }
    if (mistakes.length > 0) continue;
    const { id, name, tags, type, source } = written;
    tasks.push({ id, name, tags, type: asWanted(type, params), params, source, local });
  }
  return { tasks, problems, used };
}

interface Examined {
  /** Those that fit the schema. */
  readonly params: Record<string, unknown>;
  readonly mistakes: readonly Problem[];
}

/** What is right and what is wrong with the parameters of one task once the variables are in. */
function examined(
  document: SourceDocument,
  { type, path, params }: WrittenTask,
  expansion: Expansion,
): Examined {
  /** Where a value came from, if it is a variable's. */
  const from = (at: Path): string => {
    const origin = expansion.origins.find((one) => within(one.path, at));
    return origin ? ` (the value of ${origin.name}, set at ${origin.origin})` : '';
  };
  const unexpanded = expansion.problems.map(({ path: at, part, message, hint: more }) =>
    document.problem([...path, ...at], message, { part, hint: more }),
  );
  // nothing is said of a value that is not known, nor of a list or a map because of one
  const invalid = violations(type.schema, expansion.value).filter(({ path: at, at: what }) =>
    expansion.problems.every((one) => !within(one.path, at) && (what === 'key' || !within(at, one.path))),
  );
  const wrong = [
    ...expansion.problems.map(({ path: at }) => at),
    ...invalid.flatMap(({ path: at, surplus }) => (surplus ? [] : [at])),
  ].filter((at) => at.length > 0);
  const fit = fitting(expansion.value, wrong);
  const mistakes = (fit && (asWanted(type, fit).check?.(fit) as readonly Mistake[])) || [];
  // nothing is said of how things go together while one of them is wrong
  const said = mistakes.filter(([at]) => !wrong.some((one) => within(at, one)));
  const told = [
    ...unexpanded,
    ...invalid.map(({ path: at, message, at: what, hint: more }) =>
      document.problem(
        [...path, ...document.known([...path, ...at]).slice(path.length)],
        `${prefix(at, what)}${message}${from(at)}`,
        {
          at: params === undefined ? 'key' : what,
          hint: more,
        },
      ),
    ),
    ...said.map(([at, message]) => document.problem([...path, ...at], `${message}${from(at)}`)),
  ];
  return { params: fit ?? {}, mistakes: told };
}

/** Parameters without those that are wrong; an entry of a list becomes a hole, so that the others keep their places. */
function fitting(params: unknown, wrong: readonly Path[]): Record<string, unknown> | undefined {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined;
  const fit: Record<string, unknown> = { ...params };
  for (const [name, index] of wrong) {
    const value = fit[name!];
    if (Array.isArray(value) && index !== undefined) {
      fit[name!] = Object.assign(
        new Array(value.length),
        Object.fromEntries(Object.entries(value).filter(([at]) => at !== String(index))),
      );
    } else delete fit[name!];
  }
  return fit;
}

/** Whether `path` is `outer` or inside it. */
const within = (outer: Path, path: Path): boolean =>
  outer.every((part, index) => String(part) === String(path[index]));

/** The name of the parameter that a sentence about its value begins with. */
function prefix(path: Path, at: 'key' | 'value'): string {
  const name = path.findLast((part) => !/^\d+$/.test(String(part)));
  return at === 'key' || name === undefined ? '' : `${name} `;
}

interface LocalRead {
  readonly bytes?: Buffer;
  readonly problems: readonly Problem[];
  /** Variables that a template looks up: they make its text, so hosts share it only where they are alike. */
  readonly used: ReadonlySet<string>;
}

async function readLocal(
  document: SourceDocument,
  { path }: WrittenTask,
  file: LocalFile,
  variables: Variables,
): Promise<LocalRead> {
  const key = file.template ? 'template' : 'source';
  const failed = (...messages: string[]): LocalRead => ({
    problems: messages.map((message) => document.problem([...path, key], message)),
    used: new Set(),
  });
  const full = resolve(dirname(document.path), file.path);
  let bytes: Buffer;
  try {
    if ((await stat(full)).size > LOCAL_LIMIT) return failed(`${file.path} is larger than 1 MiB`);
    bytes = await readFile(full);
  } catch (error) {
    return failed(`${file.path} cannot be read: ${readFailure(error)}`);
  }
  if (!file.template) return { bytes, problems: [], used: new Set() };
  const { value, problems, used } = expand(bytes.toString(), variables);
  if (problems.length > 0) {
    const told = problems.map(
      ({ message, part, hint: more }) => `${file.path}: ${part} ${message}${more ? `, ${more}` : ''}`,
    );
    return { ...failed(...told), used };
  }
  return { bytes: Buffer.from(String(value)), problems: [], used };
}

/** Duplicate ids, and two tasks that own one thing: problems that only several tasks together have. */
export function clashes(
  playbooks: readonly { document: SourceDocument; written: readonly WrittenTask[]; made: readonly Task[] }[],
): Problem[] {
  const problems: Problem[] = [];
  const ids = new Map<string, string>();
  const owners = new Map<Key, Task>();
  for (const { document, written, made } of playbooks) {
    for (const { id, path, source } of written) {
      if (!new RegExp(TASK_ID).test(id)) continue;
      const other = ids.get(id);
      if (other)
        problems.push(
          document.problem([...path.slice(0, -1), 'id'], `the id "${id}" is taken already, at ${other}`),
        );
      else ids.set(id, source);
    }
    for (const task of made) {
      for (const key of task.type.owns(task.params) as readonly Key[]) {
        const [part, whole] = [key.startsWith('section:'), fileOf(key)];
        // a file is either one task's as a whole or several tasks' in sections
        const other = owners.get(key) ?? (whole && owners.get(part ? `file:${whole}` : `sections:${whole}`));
        const place = written.find(({ source }) => source === task.source)?.path ?? [];
        if (other) {
          const [kind, ...name] = key.split(':');
          problems.push(
            document.problem(
              place,
              `${kind} ${name.join(':')} belongs to the task "${other.id}" already, at ${other.source}`,
              { at: 'key' },
            ),
          );
        } else {
          owners.set(key, task);
          if (part) owners.set(`sections:${whole}`, owners.get(`sections:${whole}`) ?? task);
        }
      }
    }
  }
  return problems;
}
