import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { oneLine } from '../report/terminal.ts';
import type { BecomePassword } from '../transport/become.ts';

/** A yes or no; anything but y or yes is no. */
export async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } catch (error) {
    if (isAbort(error)) return false;
    throw error;
  } finally {
    terminal.close();
  }
}

/** Ctrl-C or Ctrl-D instead of an answer. */
const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Reads a line that is not shown; nothing if there was none. */
async function secret(question: string): Promise<string | undefined> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question('');
  } catch (error) {
    if (isAbort(error)) return undefined;
    throw error;
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

/** Opens key files that have a passphrase, where somebody can be asked; once a file. */
export function keyPassphrase(): (file: string) => Promise<string | undefined> {
  const answers = new Map<string, Promise<string | undefined>>();
  return (file) => {
    if (!process.stdin.isTTY) return Promise.resolve(undefined);
    const answer = answers.get(file) ?? secret(`passphrase of ${oneLine(file)}: `);
    answers.set(file, answer);
    return answer;
  };
}

/**
 * The sudo password: HARDEN_BECOME_PASSWORD, else a prompt where someone can answer it; asked once a run, and only
 * when a host wants one (or `ask` says so). Never from a file or an argument, where others could read it.
 */
export function becomePassword({ ask }: { ask: boolean }): BecomePassword {
  const given = process.env.HARDEN_BECOME_PASSWORD;
  if (given) return given;
  let answer: Promise<string | undefined> | undefined;
  return () => {
    answer ??= ask || process.stdin.isTTY ? secret('sudo password: ') : Promise.resolve(undefined);
    return answer;
  };
}
