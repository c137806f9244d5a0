import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../repository.ts';
import { timed } from '../waits.ts';
import { runStaying } from './staying.ts';

export interface CliOptions {
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; without it there is nothing to read. */
  readonly input?: string;
  readonly cwd?: string;
  /** How long it may say nothing, in seconds: `SILENCE` unless told. */
  readonly silence?: number;
}

/** A tool that says nothing for so long, in seconds, is stuck: this is told of within half a minute. */
const SILENCE = 28;

/** Says why the tool may be silent: words for an error, or nothing while something goes on all the same. */
let explainSilence: () => Promise<string | undefined> = async () => '';

export function watchSilence(explain: typeof explainSilence): void {
  explainSilence = explain;
}

/** What a command came to. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls `fail` once a run has said nothing for too long. */
function watch(args: readonly string[], seconds: number, fail: (error: Error) => void) {
  let said = '';
  let silent: NodeJS.Timeout;
  let isOver = false;
  async function tell(): Promise<void> {
    const before = said.length;
    const reason = await explainSilence().catch(String);
    if (reason === undefined) wait();
    else if (said.length === before)
      fail(
        new Error(
          `harden ${args.join(' ')} said nothing for ${seconds} s. Its last words: ${said}\n${reason}`,
        ),
      );
  }
  function wait(): void {
    clearTimeout(silent);
    if (isOver) return;
    // it may have said how long it waits
    const told = Number(/ again in (\d+) s\s*$/.exec(said)?.[1] ?? 0);
    silent = setTimeout(tell, (seconds + told) * 1000);
  }
  wait();
  return {
    heard(text: string) {
      said += text;
      wait();
    },
    ended() {
      isOver = true;
      clearTimeout(silent);
    },
  };
}

/** The environment of a run: nothing is known of earlier ones, and nothing stays, unless a test names its own folder. */
function environment(more: Readonly<Record<string, string>> = {}) {
  const { FORCE_COLOR: _, ...inherited } = process.env;
  const state = mkdtempSync(join(tmpdir(), 'harden-state-'));
  return {
    env: { ...inherited, XDG_STATE_HOME: state, ...more },
    remove: () => rmSync(state, { recursive: true, force: true }),
  };
}

/** Runs the built command line in a process of its own. */
export const harden = (args: readonly string[], options: CliOptions = {}): Promise<Result> =>
  timed('harden', () => started(args, options).ended);

/** The same in a process that stays. Standard input has nothing to read. */
export const hardenStaying = (
  args: readonly string[],
  { cwd = process.cwd(), env: more, silence = SILENCE }: Omit<CliOptions, 'input'> = {},
): Promise<Result> =>
  timed('harden', async () => {
    const { env, remove } = environment(more);
    let fail: (error: Error) => void = () => {};
    const late = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const watched = watch(args, silence, (error) => fail(error));
    const { ended, kill } = runStaying({ args: [...args], env, cwd }, watched.heard);
    try {
      return await Promise.race([ended, late]);
    } catch (error) {
      ended.catch(() => {});
      kill();
      throw error;
    } finally {
      watched.ended();
      remove();
    }
  });

/** A command line while it runs. */
export function started(
  args: readonly string[],
  options: CliOptions = {},
): {
  readonly ended: Promise<Result>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves once it has said this on standard error. Fails if it ends without. */
  readonly says: (words: string) => Promise<void>;
} {
  const { env, remove } = environment(options.env);
  // so short a run gains nothing from optimised code, and a machine that runs many at once spends a tenth of its time on it
  const child = spawn(process.execPath, ['--no-opt', join(repository, 'dist/harden.cjs'), ...args], {
    cwd: options.cwd,
    env,
  });
  child.on('close', remove);
  let said = '';
  const ended = new Promise<number>((resolve, reject) => {
    const silence = watch(args, options.silence ?? SILENCE, (error) => {
      reject(error);
      child.kill('SIGKILL');
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece: Buffer | string) => silence.heard(piece.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      silence.ended();
      if (code === null) reject(new Error(`harden ${args.join(' ')} was ended by ${signal}.`));
      else resolve(code);
    });
  });
  // a program that ends before it has read everything is no failure of the test
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const output = Promise.all([ended, text(child.stdout), text(child.stderr)]);
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said += chunk;
  });
  return {
    ended: output.then(([code, stdout, stderr]) => ({ code, stdout, stderr })),
    kill: (signal) => void child.kill(signal),
    async says(words) {
      while (!said.includes(words)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`It ended without saying "${words}": ${said}`);
        await sleep(20);
      }
    },
  };
}
