import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../repository.ts';

export interface CliOptions {
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; without it there is nothing to read. */
  readonly input?: string;
  readonly cwd?: string;
}

/** What a command came to. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line as a user would. */
export const harden = (args: readonly string[], options: CliOptions = {}): Promise<Result> =>
  started(args, options).ended;

/** The same, while it runs. */
export function started(
  args: readonly string[],
  options: CliOptions = {},
): {
  readonly ended: Promise<Result>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves once it has said this on standard error. Fails if it ends without. */
  readonly says: (words: string) => Promise<void>;
} {
  const { FORCE_COLOR: _, ...inherited } = process.env;
  // nothing is known of earlier runs, and nothing stays, unless a test names its own folder
  const state = mkdtempSync(join(tmpdir(), 'harden-state-'));
  const child = spawn(process.execPath, [join(repository, 'dist/harden.cjs'), ...args], {
    cwd: options.cwd,
    env: { ...inherited, XDG_STATE_HOME: state, ...options.env },
  });
  child.on('close', () => rmSync(state, { recursive: true, force: true }));
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === null) reject(new Error(`harden ${args.join(' ')} was ended by ${signal}.`));
      else resolve(code);
    });
  });
  // a program that ends before it has read everything is no failure of the test
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const output = Promise.all([ended, text(child.stdout), text(child.stderr)]);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said += chunk;
  });
  return {
    ended: output.then(([code, stdout, stderr]) => ({ code, stdout, stderr })),
    kill: (signal) => void child.kill(signal),
    async says(words) {
      while (!said.includes(words)) {
        if (child.exitCode !== null) throw new Error(`It ended without saying "${words}": ${said}`);
        await sleep(20);
      }
    },
  };
}
