import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { oneLine } from '../text/harmless.ts';
import type { BecomePassword } from '../transport/become.ts';
import { passwordFromCommand } from './password-command.ts';

/** A yes or no; anything but y or yes is no. */
export async function confirm(question: string): Promise<boolean> {
  const said = await answer(`${question} [y/N] `, 'shown');
  return /^y(es)?$/i.test(said?.trim() ?? '');
}

/** Reads a line that is not shown; nothing if there was none. */
async function secret(question: string): Promise<string | undefined> {
  try {
    return await answer(question, 'hidden');
  } finally {
    process.stderr.write('\n');
  }
}

/** One question at a time: two prompts would both take the one line that is typed. */
let turn: Promise<unknown> = Promise.resolve();

function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const mine = turn.then(act);
  turn = mine.catch(() => {});
  return mine;
}

function answer(question: string, input: 'shown' | 'hidden'): Promise<string | undefined> {
  return inTurn(() => askNow(question, input));
}

/** The line that is typed; undefined for Ctrl-C, or where standard input ends. */
async function askNow(question: string, input: 'shown' | 'hidden'): Promise<string | undefined> {
  if (process.stdin.readableEnded) return undefined;
  process.stderr.write(question);
  const terminal = createInterface({
    input: process.stdin,
    output: input === 'shown' ? process.stderr : new Writable({ write: (_chunk, _encoding, done) => done() }),
    terminal: process.stdin.isTTY,
  });
  try {
    return await new Promise((resolve) => {
      terminal.once('line', resolve);
      terminal.once('close', () => resolve(undefined));
      terminal.once('SIGINT', () => {
        // at a prompt the terminal hands Ctrl-C over as a key: it still means to end the run
        process.kill(process.pid, 'SIGINT');
        resolve(undefined);
      });
    });
  } finally {
    terminal.close();
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
 * The sudo password: HARDEN_BECOME_PASSWORD, else what the command in HARDEN_BECOME_PASSWORD_COMMAND prints, else a prompt where
 * someone can answer it; asked once a run, and only when a host wants one. Never from a file or an argument, where others could
 * read it.
 */
export function becomePassword({ ask }: { ask: boolean }): BecomePassword {
  const { HARDEN_BECOME_PASSWORD: given, HARDEN_BECOME_PASSWORD_COMMAND: command } = process.env;
  if (given) return given;
  let asked: Promise<string | undefined> | undefined;
  return () => {
    asked ??= command
      ? inTurn(() => passwordFromCommand(command, process.env))
      : ask || process.stdin.isTTY
        ? secret('sudo password: ')
        : Promise.resolve(undefined);
    return asked;
  };
}
