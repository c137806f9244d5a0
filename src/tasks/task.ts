import { type Static, type TObject, Type } from '@sinclair/typebox';
import type { Facts } from '../probes/facts.ts';
import type { Answers, Questions } from '../probes/probe.ts';
import type { Change } from './change.ts';

/**
 * Something a task writes or relies on: `file:/etc/x`, `section:/etc/x#sshd`, `package:fail2ban`,
 * `chain:HARDEN`, `unit:fail2ban.service`, `jail:james`. Two tasks that own one key are a load-time error.
 */
export type Key = `${string}:${string}`;

/** The path of the file that a key is about, or a part of. */
export const fileOf = (key: Key): string | undefined => /^(?:file|section):([^#]*)/.exec(key)?.[1];

/** What a task decides. Every one has a reason, also "nothing to do". */
export type Verdict = (
  | { readonly verdict: 'ok'; readonly reason: string }
  | {
      readonly verdict: 'change';
      readonly reason: string;
      /** In the order in which they have to run. Never empty. */
      readonly changes: readonly Change[];
    }
  /** It cannot be done on this host as it is, and no task here will alter that. */
  | { readonly verdict: 'blocked'; readonly reason: string }
  /** Something is missing that another task may bring: unknown until then, blocked if none does. */
  | { readonly verdict: 'needs'; readonly key: Key; readonly reason: string }
  /** It could not be looked at, or a proof failed. */
  | { readonly verdict: 'failed'; readonly reason: string }
) & {
  /** Said beside the verdict: traps of this host that the user should know of. */
  readonly notes?: readonly string[];
};

export interface PlanContext {
  readonly facts: Facts;
  /**
   * Is an earlier task about to bring this, predictably? Then it will be there when this task runs. What a barrier
   * may bring is never promised.
   */
  promised(key: Key): boolean;
  /** The same of anything directly or deeper in a folder: what is promised there. */
  promisedIn(folder: string): Key | undefined;
  /** Does any task of this host own it, before this one or after it? Then it is that task's to judge. */
  managed(key: Key): boolean;
  /** Is a task about to take this away, before this one does its own? */
  leaving(key: Key): boolean;
  /** `apply` and `verify` run the proofs; `check` and `diff` do not. */
  readonly prove: boolean;
  /** Files beside the playbook that the task names, read (and expanded, if templates) when it was loaded. */
  readonly local: ReadonlyMap<string, Buffer>;
}

/** Something that a schema cannot say is wrong: where inside the parameters, and a sentence. */
export type Mistake = readonly [path: readonly (string | number)[], problem: string];

/** A local file a task needs, relative to the playbook. */
export interface LocalFile {
  readonly path: string;
  readonly template: boolean;
}

/**
 * A task type decides and never runs. `schema` is the one source of validation, types, the editor's schema and
 * `harden tasks`; its `description`s are what users read.
 */
export interface TaskType<S extends TObject = TObject, Q extends Questions = Questions> {
  /** The key in a playbook. */
  readonly type: string;
  /** One sentence for `harden tasks`. */
  readonly summary: string;
  readonly schema: S;
  /** Its effects cannot be predicted (a package, a command): what relies on it is planned after it ran. */
  readonly barrier?: boolean;
  /** What the schema cannot say, of those parameters that fit it: a wrong entry of a list is a hole. */
  check?(params: Partial<Static<S>>): readonly Mistake[];
  localFiles?(params: Partial<Static<S>>): readonly LocalFile[];
  /** What it writes. */
  owns(params: Static<S>): readonly Key[];
  /** What it relies on: while a barrier that owns one of these has something to do, or another task that could bring what it needs, its answer is unknown. */
  relies?(params: Static<S>): readonly Key[];
  questions(params: Static<S>, context: Pick<PlanContext, 'prove' | 'local'>): Q;
  /** Pure and total over the observations. */
  plan(params: Static<S>, seen: Answers<Q>, context: PlanContext): Verdict;
  /** What `state: absent` means. */
  // biome-ignore lint/suspicious/noExplicitAny: what it asks is its own business
  readonly removal: Removal<S, any>;
  /** It takes away what the type makes: the type as `asWanted` gives it for `state: absent`. */
  readonly removes?: boolean;
}

/** Takes away what a task made, and nothing else: what stood there before harden comes back. */
export interface Removal<S extends TObject = TObject, Q extends Questions = Questions> {
  /** One sentence for `harden tasks`: what goes, and what stays. */
  readonly summary: string;
  /** Instead of the type's own. */
  check?(params: Partial<Static<S>>): readonly Mistake[];
  questions(params: Static<S>, context: Pick<PlanContext, 'local'>): Q;
  plan(params: Static<S>, seen: Answers<Q>, context: PlanContext): Verdict;
}

/** Adds the parameter that all types share; buys inference of parameters and answers. */
export function defineTask<S extends TObject, Q extends Questions>(task: TaskType<S, Q>): TaskType<S, Q> {
  const state = Type.Optional(
    Type.Union([Type.Literal('present'), Type.Literal('absent')], {
      description: `present (the default) or absent: ${task.removal.summary}`,
    }),
  );
  return { ...task, schema: { ...task.schema, properties: { ...task.schema.properties, state } } };
}

/** Identity that buys inference of parameters and answers. */
export function defineRemoval<S extends TObject, Q extends Questions>(
  _schema: S,
  removal: Removal<S, Q>,
): Removal<S, Q> {
  return removal;
}

/** The type as a task uses it: with `state: absent` it takes away, and nobody waits for it. */
export function asWanted(type: AnyTaskType, params: Readonly<Record<string, unknown>>): AnyTaskType {
  if (params.state !== 'absent') return type;
  const { questions, plan, check = type.check } = type.removal;
  return {
    ...type,
    ...(check ? { check } : {}),
    questions,
    plan,
    relies: () => [],
    barrier: false,
    removes: true,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a registry of task types with different parameters
export type AnyTaskType = TaskType<any, any>;

/** One task of one host, its parameters expanded and valid. */
export interface Task {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly type: AnyTaskType;
  readonly params: Record<string, unknown>;
  /** `playbooks/x.yaml:31:5`. */
  readonly source: string;
  readonly local: ReadonlyMap<string, Buffer>;
}
