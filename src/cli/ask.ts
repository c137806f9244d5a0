import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { oneLine } from '../text/harmless.ts';
import type { BecomePassword } from '../transport/become.ts';
import { atTerminal } from '../transport/turns.ts';
import { passwordFromCommand } from './password-command.ts';

/** A yes or no; anything but y or yes is no. `signal` gives the question up. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const said = await answer(`${question} [y/N] `, 'shown', signal);
  return /^y(es)?$/i.test(said?.trim() ?? '');
}

/** Whether somebody gets in to this machine from elsewhere, which only a person can try. No answer in time is none. */
export async function loginWorks(
  name: string,
  seconds: number,
  stop: AbortSignal | undefined,
): Promise<boolean> {
  // Node 20 forgets a signal that is made of others, or of a time, when nothing else holds it
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, seconds * 1000);
  stop?.addEventListener('abort', end, { once: true });
  try {
    return await confirm(
      `${name} is changed. Log in to it anew, from where you usually do, and become root: does that work? (undone in ${seconds} s)`,
      over.signal,
    );
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', end);
  }
}

function answer(
  question: string,
  input: 'shown' | 'hidden',
  signal: AbortSignal,
): Promise<string | undefined> {
  return atTerminal(() => askNow(question, input, signal), signal);
}

/** The line that is typed; undefined where standard input ends, or once the question is given up. */
async function askNow(
  question: string,
  input: 'shown' | 'hidden',
  signal: AbortSignal,
): Promise<string | undefined> {
  if (process.stdin.readableEnded) return undefined;
  process.stderr.write(question);
  const terminal = createInterface({
    input: process.stdin,
    output: input === 'shown' ? process.stderr : new Writable({ write: (_chunk, _encoding, done) => done() }),
    terminal: process.stdin.isTTY,
    signal,
  });
  try {
    return await new Promise((resolve) => {
      terminal.once('line', resolve);
      terminal.once('close', () => resolve(undefined));
      // at a prompt the terminal hands Ctrl-C over as a key: it still means to end the run, which gives the question up
      terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    });
  } finally {
    terminal.close();
    if (input === 'hidden') process.stderr.write('\n');
  }
}

/** Opens key files that have a passphrase, where somebody can be asked; once a file. */
export function keyPassphrase(signal: AbortSignal): (file: string) => Promise<string | undefined> {
  const answers = new Map<string, Promise<string | undefined>>();
  return (file) => {
    if (!process.stdin.isTTY) return Promise.resolve(undefined);
    const asked = answers.get(file) ?? answer(`passphrase of ${oneLine(file)}: `, 'hidden', signal);
    answers.set(file, asked);
    return asked;
  };
}

/**
 * The sudo password: HARDEN_BECOME_PASSWORD, else what the command in HARDEN_BECOME_PASSWORD_COMMAND prints, else a prompt where
 * someone can answer it; asked once a run, and only when a host wants one. Never from a file or an argument, where others could
 * read it.
 */
export function becomePassword({ ask, signal }: { ask: boolean; signal: AbortSignal }): BecomePassword {
  const { HARDEN_BECOME_PASSWORD: given, HARDEN_BECOME_PASSWORD_COMMAND: command } = process.env;
  if (given) return given;
  let asked: Promise<string | undefined> | undefined;
  return () => {
    asked ??= command
      ? atTerminal(() => passwordFromCommand(command, process.env), signal)
      : ask || process.stdin.isTTY
        ? typedPassword(ask, signal)
        : Promise.resolve(undefined);
    return asked;
  };
}

/** `wanted`: by an option, so that none is worth a sentence of its own. */
async function typedPassword(wanted: boolean, signal: AbortSignal): Promise<string | undefined> {
  const typed = await answer('sudo password: ', 'hidden', signal);
  if (typed === undefined && wanted && !signal.aborted) {
    throw new Error(
      '--ask-become-pass found nothing to read on standard input; run it at a terminal or pipe the password to it, or give it in HARDEN_BECOME_PASSWORD or with HARDEN_BECOME_PASSWORD_COMMAND',
    );
  }
  return typed;
}
