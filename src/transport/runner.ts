import { randomBytes } from 'node:crypto';
import { printable } from '../text/harmless.ts';
import {
  type BecomePassword,
  classifyRefusal,
  commandLine,
  marks,
  type SudoRefusal,
  type Via,
  wrongPassword,
} from './become.ts';
import { failure, message, place, sessionRefused, type Underway, type Where } from './errors.ts';
import type { Start } from './process.ts';
import { type Result, runScript } from './run-script.ts';
import type { Output, RunOptions, TransportError } from './transport.ts';

export interface RunnerOptions {
  readonly where: Where;
  readonly start: Start;
  /** Whether scripts need sudo. */
  readonly sudo: boolean;
  readonly becomePassword?: BecomePassword | undefined;
  /** Why a command ended without an exit status. */
  readonly explainLoss: (script: Underway) => TransportError;
}

const UNUSABLE: SudoRefusal = {
  reason: 'sudo-password-wrong',
  sentence: 'cannot be given a password that contains a line break or NUL; it was not sent.',
};
const unusable = (password: string): boolean => /[\n\r\0]/.test(password);

/** Runs scripts one command each, and learns once how this host makes one root. */
export function scriptRunner({ where, start, sudo, becomePassword, explainLoss }: RunnerOptions) {
  const given = typeof becomePassword === 'string' ? becomePassword : undefined;
  let via: Via = !sudo
    ? { kind: 'direct' }
    : given === undefined
      ? { kind: 'sudo' }
      : { kind: 'sudo-password', password: given };
  let learned = !sudo;
  let refusedPassword: SudoRefusal | undefined;
  let turn: Promise<void> = Promise.resolve();

  const refuse = (refusal: SudoRefusal) =>
    failure(refusal.reason, where, `${place(where)} ${refusal.sentence}`);

  const ask = (source: () => Promise<string | undefined>) =>
    source().catch((error: unknown) => {
      const sentence = `wants a password for sudo, and ${printable(message(error))}.`;
      throw refuse({ reason: 'sudo-password-needed', sentence });
    });

  async function attempt(
    script: string,
    options: RunOptions,
    onStart: () => void,
  ): Promise<Output | SudoRefusal> {
    const mark = marks(randomBytes(8).toString('hex'));
    const started = () => {
      learned = true;
      onStart();
    };
    const process = await start(commandLine(via.kind, mark), mark.ready);
    const result: Result = await runScript({ process, via, mark, script, where, options, onStart: started });
    switch (result.state) {
      case 'ran':
        return result.output;
      case 'lost':
        throw result.exit.refused === undefined
          ? explainLoss(result.script)
          : sessionRefused(where, result.exit.refused);
      case 'refused':
        return result.wrongPassword
          ? wrongPassword
          : classifyRefusal(via.kind, result.exit, withoutPassword(result.stderr, via), mark);
    }
  }

  async function runAs(script: string, options: RunOptions, onStart: () => void): Promise<Output> {
    if (refusedPassword) throw refuse(refusedPassword);
    if (via.kind === 'sudo-password' && unusable(via.password)) throw refuse(UNUSABLE);
    let outcome = await attempt(script, options, onStart);
    if ('reason' in outcome && outcome.reason === 'sudo-password-needed' && via.kind === 'sudo') {
      const password = typeof becomePassword === 'function' ? await ask(becomePassword) : undefined;
      if (password === undefined) throw refuse(outcome);
      if (unusable(password)) throw refuse(UNUSABLE);
      via = { kind: 'sudo-password', password };
      outcome = await attempt(script, options, onStart);
    }
    if (!('reason' in outcome)) return outcome;
    if (outcome.reason === 'sudo-password-wrong') refusedPassword = outcome;
    throw refuse(outcome);
  }

  return async function run(script: string, options: RunOptions = {}): Promise<Output> {
    if (learned) return runAs(script, options, () => {});
    // Until one script has started, one at a time: two at once could send a wrong password twice.
    const before = turn;
    let open = () => {};
    turn = new Promise((resolve) => {
      open = resolve;
    });
    await before;
    try {
      return await runAs(script, options, open);
    } finally {
      open();
    }
  };
}

/** Nothing that a host echoes may carry the password into a message. */
function withoutPassword(text: string, via: Via): string {
  return via.kind === 'sudo-password' && via.password !== '' ? text.replaceAll(via.password, '***') : text;
}
