import type { Sh } from '../shell/quote.ts';

/**
 * What looking at one thing on a host said. There is no default value: "could not look" must never
 * read as "not there".
 */
export type Observed<T> =
  | { readonly state: 'present'; readonly value: T }
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly why: string };

export const present = <T>(value: T): Observed<T> => ({ state: 'present', value });
export const absent: Observed<never> = { state: 'absent' };
export const unreadable = (why: string): Observed<never> => ({ state: 'unreadable', why });

/**
 * One thing that can be read on a host. Reads, never decides. All questions to one probe are answered
 * by one run of one script, so that twenty units cost one `systemctl show`.
 */
export interface Probe<A, T> {
  /** Unique; also names the probe's frame in the output: `[a-z0-9-]+`. */
  readonly name: string;
  /** It starts a program that takes long, and is run beside the others. */
  readonly slow?: true;
  /** Identity of what is asked: two questions with one key are one question. */
  key(arg: A): string;
  /** Merges two questions with the same key into one that answers both (default: the first is kept). */
  merge?(a: A, b: A): A;
  /**
   * Reads all `args` and prints what it saw. Runs under `sh` (dash) as root, stdin closed, LC_ALL=C, with a
   * time limit. Must leave nothing behind. A non-zero exit makes every answer `unreadable`.
   */
  script(args: readonly A[]): Sh;
  /** The answers by key. A key that is missing reads as `unreadable`. May throw: then all are `unreadable`. */
  parse(output: Buffer, args: readonly A[]): ReadonlyMap<string, Observed<T>>;
}

/** What a probe printed as `KEY=value`, a line each. */
export const fields = (output: Buffer | string): ReadonlyMap<string, string> =>
  new Map(
    output
      .toString()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );

/** A probe and what to ask it. */
export interface Question<T> {
  // biome-ignore lint/suspicious/noExplicitAny: the argument's type is the probe's own business
  readonly probe: Probe<any, T>;
  readonly arg: unknown;
}

export function ask<A, T>(probe: Probe<A, T>, arg: A): Question<T> {
  return { probe, arg };
}

/** What a task asks: named questions, or named lists of questions. */
export type Questions = Readonly<Record<string, Question<unknown> | readonly Question<unknown>[]>>;

/** The answers, under the same names and in the same order. */
export type Answers<Q extends Questions> = {
  readonly [K in keyof Q]: Q[K] extends Question<infer T>
    ? Observed<T>
    : Q[K] extends readonly Question<infer T>[]
      ? readonly Observed<T>[]
      : never;
};

/** Identity with inference: `defineProbe<Arg, Value>({...})`. */
export function defineProbe<A, T>(probe: Probe<A, T>): Probe<A, T> {
  return probe;
}
