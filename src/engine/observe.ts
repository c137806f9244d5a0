import { type Facts, factsProbe } from '../probes/facts.ts';
import { type FileQuestion, type FileState, fileProbe } from '../probes/file.ts';
import { type Held, type Place, placeProbe } from '../probes/place.ts';
import { ask, type Observed, type Probe, present, type Question, unreadable } from '../probes/probe.ts';
import { sensitiveProbe } from '../probes/sensitive.ts';
import {
  beside,
  complaints,
  type Frame,
  frameFunctions,
  observed,
  type ProbeOutput,
  probeCall,
  probeCalls,
  probeOutput,
} from '../shell/frame.ts';
import { lines, type Sh } from '../shell/quote.ts';
import type { Change } from '../tasks/change.ts';
import { sha256 } from '../tasks/common/write.ts';

// biome-ignore lint/suspicious/noExplicitAny: probes with different arguments and values in one collection
type AnyProbe = Probe<any, any>;

/** All questions about one host, those to one probe together. */
export class Inquiry {
  readonly #byProbe = new Map<string, { probe: AnyProbe; args: Map<string, unknown> }>();

  constructor(questions: Iterable<Question<unknown>>) {
    for (const { probe, arg } of [ask(factsProbe, 'facts' as const), ...questions]) {
      const group = this.#byProbe.get(probe.name) ?? { probe, args: new Map() };
      this.#byProbe.set(probe.name, group);
      const key = probe.key(arg);
      const other = group.args.get(key);
      group.args.set(key, other !== undefined && probe.merge ? probe.merge(other, arg) : arg);
    }
  }

  /** Asks everything in one go. Prints a `probe` frame each, then `observed`. */
  script(): Sh {
    const calls = (slow: boolean) =>
      probeCalls(
        [...this.#byProbe.values()]
          .filter(({ probe }) => (probe.slow ?? false) === slow)
          .map(({ probe, args }) => probeCall(probe.name, probe.script([...args.values()]))),
      );
    return lines([beside(calls(true), calls(false)), observed]);
  }

  /** The answers. Undefined if the end of the observation did not arrive: then nothing is known. */
  read(frames: readonly Frame[]): Observations | undefined {
    const end = frames.findLastIndex((frame) => frame.words[0] === 'observed');
    if (end < 0) return undefined;
    const outputs = new Map<string, ProbeOutput>();
    const said = new Map<string, string>();
    for (const frame of frames.slice(0, end)) {
      const found = probeOutput(frame);
      if (found) outputs.set(found.name, found.output);
      for (const [name, words] of complaints(frame)) said.set(name, words);
    }
    const answers = new Map<string, ReadonlyMap<string, Observed<unknown>>>();
    for (const [name, { probe, args }] of this.#byProbe) {
      answers.set(name, answersOf(probe, [...args.values()], outputs.get(name), said.get(name)));
    }
    return new Observations(answers);
  }
}

function answersOf(
  probe: AnyProbe,
  args: readonly unknown[],
  output: ProbeOutput | undefined,
  complaint = '',
): ReadonlyMap<string, Observed<unknown>> {
  const all = (why: string) => new Map(args.map((arg) => [probe.key(arg), unreadable(why)]));
  if (!output) return all('the host gave no answer');
  if (output.code === 124) return all('the host took longer than 30 s to answer');
  if (output.code !== 0) {
    const said = lastWords(complaint);
    return all(`exit status ${output.code}${said && `: ${said}`}`);
  }
  try {
    return probe.parse(output.stdout, args);
  } catch (error) {
    return all(`its answer was not understood: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Of what a program complained of; of a Python traceback the last line, which alone says what happened. */
const lastWords = (stderr: string): string =>
  /^(Traceback| {2}File ".*", line \d)/m.test(stderr) ? stderr.trim().split('\n').at(-1)! : stderr;

/** What one observation saw. */
export class Observations {
  readonly #answers: ReadonlyMap<string, ReadonlyMap<string, Observed<unknown>>>;
  /** Files as they will be, by their real path. */
  readonly #foreseen: ReadonlyMap<string, Buffer>;

  constructor(
    answers: ReadonlyMap<string, ReadonlyMap<string, Observed<unknown>>>,
    foreseen: ReadonlyMap<string, Buffer> = new Map(),
  ) {
    this.#answers = answers;
    this.#foreseen = foreseen;
  }

  /**
   * What the next task will find once these changes are made: several tasks may each write a part of one file, and the
   * second has to start from what the first leaves.
   */
  after(changes: readonly Change[]): Observations {
    const foreseen = new Map(this.#foreseen);
    for (const change of changes) {
      if (change.kind === 'write-file') foreseen.set(change.path, change.content);
    }
    return new Observations(this.#answers, foreseen);
  }

  get<T>(question: Question<T>): Observed<T> {
    const answer = this.#answers.get(question.probe.name)?.get(question.probe.key(question.arg));
    if (question.probe === fileProbe && answer) {
      const { path, content } = question.arg as FileQuestion;
      // whoever asks for less relies on what was promised
      if (content === 'always') return this.#file(path, answer as Observed<FileState>) as Observed<T>;
    }
    return (answer as Observed<T> | undefined) ?? unreadable('the host gave no answer');
  }

  #file(path: string, seen: Observed<FileState>): Observed<FileState> {
    const old = seen.state === 'present' ? seen.value : undefined;
    const content = this.#foreseen.get(old?.realPath ?? path);
    if (!content || seen.state === 'unreadable') return seen;
    const made = {
      kind: 'file',
      realPath: path,
      mode: '0644',
      owner: 'root',
      group: 'root',
      ctime: 0,
    } as const;
    return present({ ...(old ?? made), content, size: content.length, sha256: sha256(content) });
  }

  /** What keeps even root from changing what was seen at a path, which may have links in it. */
  held(path: string): Held | undefined {
    return this.#place(path)?.held;
  }

  /** Why the content at a path must not be shown, if an earlier run noted that, or nobody knows. */
  sensitive(path: string): string | undefined {
    const noted = this.get(ask(sensitiveProbe, 'all' as const));
    if (noted.state !== 'present')
      return `what earlier runs noted as sensitive could not be read${noted.state === 'unreadable' ? ` (${noted.why})` : ''}`;
    const { asked = path, realPath = path } = this.#place(path) ?? {};
    return [path, asked, realPath].some((one) => noted.value.has(one))
      ? 'an earlier run noted that it is sensitive'
      : undefined;
  }

  /** By the path that was asked for, or the one without links. */
  #place(path: string): (Partial<Place> & { readonly asked: string }) | undefined {
    for (const [asked, place] of this.#answers.get(placeProbe.name) ?? []) {
      const seen = place.state === 'present' ? (place.value as Place) : undefined;
      if (asked === path || seen?.realPath === path) return { ...seen, asked };
    }
    return undefined;
  }

  /** What the host says of itself. */
  get facts(): Observed<Facts> {
    return this.get(ask(factsProbe, 'facts' as const));
  }
}

/** A whole script that observes and does nothing else. */
export const observation = (inquiry: Inquiry, nonce: string): Sh =>
  lines([frameFunctions(nonce), inquiry.script()]);
