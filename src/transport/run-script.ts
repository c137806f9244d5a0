import { asksAgain, type Marks, type Via } from './become.ts';
import { failure, place, type Underway, type Where } from './errors.ts';
import { type Exit, type Process, writeAll } from './process.ts';
import { signalNumber } from './signals.ts';
import type { Output, RunOptions } from './transport.ts';

/** What came of one script. */
export type Result =
  | { readonly state: 'ran'; readonly output: Output }
  /** The shell that should run it never started. `stderr` is what was said instead. */
  | {
      readonly state: 'refused';
      readonly exit: Exit;
      readonly stderr: string;
      readonly wrongPassword: boolean;
    }
  /** Ended without an exit status. */
  | { readonly state: 'lost'; readonly script: Underway; readonly exit: Exit };

export interface ScriptRun {
  readonly process: Process;
  readonly via: Via;
  readonly mark: Marks;
  readonly script: string;
  readonly where: Where;
  readonly options: RunOptions;
  /** Called when the script starts. */
  readonly onStart: () => void;
}

/** Seconds in which sudo has to judge a password: PAM delays a failure by a few. */
const passwordSeconds = 30;
/** Seconds a killed command has to end before it is given up. */
const killSeconds = 2;
/** Seconds without a word after a command has ended in which more of its output may arrive. */
const lingeringSeconds = 2;
/** Bytes of output after which a host is no longer believed to be well. */
const outputLimit = 64 * 1024 * 1024;

/** Speaks the protocol of `commandLine` with a process that was started with it. */
export function runScript({
  process,
  via,
  mark,
  script,
  where,
  options,
  onStart,
}: ScriptRun): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stdout = new AfterMark(mark.ready);
    const stderr = new AfterMark(mark.ready);
    const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
    const timers = new Set<NodeJS.Timeout>();
    let sent = false;
    let spoken = false;
    let rejected = false;
    let done = false;

    const finish = (settle: () => void) => {
      if (done) return;
      done = true;
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener('abort', interrupt);
      options.stop?.removeEventListener('abort', askToEnd);
      settle();
    };
    const giveUp = (error: unknown) =>
      finish(() => {
        process.close();
        reject(error);
      });
    const after = (seconds: number, act: () => void) => {
      const timer = setTimeout(act, seconds * 1000);
      timers.add(timer);
      return timer;
    };
    const interrupt = () =>
      giveUp(
        failure(
          'interrupted',
          where,
          `The work on ${place(where)} was interrupted ${sent ? 'while a script was under way there' : 'before its script was started'}.`,
        ),
      );
    const silence =
      options.silence === undefined
        ? undefined
        : after(options.silence, () =>
            giveUp(
              failure(
                'timeout',
                where,
                `${place(where)} said nothing for ${options.silence} s while a script was running there, so it was given up; whether the script finished is not known. Look at the load and the disks of the host, then run again.`,
              ),
            ),
          );
    let lingering: NodeJS.Timeout | undefined;
    const heard = () => {
      silence?.refresh();
      lingering?.refresh();
    };
    const sendScript = async () => {
      sent = true;
      await writeAll(process.stdin, Buffer.from(`${mark.begin}\n${script}`), heard);
      if (options.stop === undefined && process.stdin.writable) process.stdin.end();
    };
    // a shell reads ahead: what follows the script at once would be taken for a part of it
    const askToEnd = () => {
      if (spoken && options.stop?.aborted && process.stdin.writable) process.stdin.end('stop\n');
    };

    let passwordSent = false;
    // only to a sudo that asks, in whatever words: under NOPASSWD the host never gets to see it
    const sendPassword = () => {
      if (via.kind !== 'sudo-password' || passwordSent) return;
      passwordSent = true;
      process.stdin.write(`${via.password}\n`);
    };
    const passwordTimer =
      via.kind === 'sudo-password'
        ? after(passwordSeconds, () => {
            process.kill();
            giveUp(
              failure(
                'timeout',
                where,
                `sudo on ${place(where)} did not say within ${passwordSeconds} s whether it accepts the password; it may want something else than a password. The script was not started.`,
              ),
            );
          })
        : undefined;

    const keep = (into: Buffer[], piece: Buffer) => {
      if (piece.length === 0) return;
      kept.bytes += piece.length;
      if (kept.bytes > outputLimit) {
        giveUp(
          failure(
            'lost',
            where,
            `A script on ${place(where)} printed more than ${outputLimit / 1024 / 1024} MiB, so it was given up; whether it finished is not known.`,
          ),
        );
      } else into.push(piece);
    };

    process.stdout.on('data', (chunk: Buffer) => {
      heard();
      if (done) return;
      const waiting = !stdout.found;
      const piece = stdout.push(chunk);
      if (waiting && stdout.found) {
        clearTimeout(passwordTimer);
        onStart();
        if (via.kind === 'sudo-password') sendScript();
      }
      keep(kept.stdout, piece);
      if (piece.length === 0 || done) return;
      spoken = true;
      askToEnd();
      try {
        options.onStdout?.(piece);
      } catch (error) {
        giveUp(error);
      }
    });
    process.stderr.on('data', (chunk: Buffer) => {
      heard();
      if (done) return;
      keep(kept.stderr, stderr.push(chunk));
      if (!stdout.found && /[^\n]$/.test(stderr.before)) sendPassword();
      if (via.kind === 'sudo-password' && !stdout.found && !rejected && asksAgain(stderr.before, mark)) {
        rejected = true;
        clearTimeout(passwordTimer);
        // End-of-file would be a second failed login to PAM (faillock counts it); a killed sudo is none.
        process.kill();
        after(killSeconds, () => {
          process.close();
          settleExit({ code: null, signal: null });
        });
      }
    });
    for (const stream of [process.stdin, process.stdout, process.stderr]) {
      // A broken pipe is not news: the exit, or its absence, tells.
      stream.on('error', () => {});
    }

    const settleExit = (exit: Exit) =>
      finish(() => {
        const code = exit.code ?? (exit.signal === null ? undefined : 128 + signalNumber(exit.signal));
        if (rejected) resolve({ state: 'refused', exit, stderr: stderr.before, wrongPassword: true });
        else if (code === undefined)
          resolve({ state: 'lost', script: stdout.found ? 'started' : sent ? 'sent' : 'unsent', exit });
        else if (!stdout.found)
          resolve({ state: 'refused', exit, stderr: stderr.before, wrongPassword: false });
        else {
          resolve({
            state: 'ran',
            output: { stdout: Buffer.concat(kept.stdout), stderr: Buffer.concat(kept.stderr), code },
          });
        }
      });
    process.exited.then(settleExit);
    process.ended.then((exit) => {
      if (done) return;
      lingering = after(lingeringSeconds, () => {
        process.close();
        settleExit(exit);
      });
    });

    if (options.signal?.aborted) return interrupt();
    options.signal?.addEventListener('abort', interrupt, { once: true });
    options.stop?.addEventListener('abort', askToEnd, { once: true });
    if (via.kind !== 'sudo-password') sendScript();
  });
}

/** The part of a stream after a line that ends with `mark`. Before it: a login shell's greeting, or sudo. */
export class AfterMark {
  found = false;
  /** What came before the mark, or so far; of a long text the end. */
  before = '';
  readonly #mark: string;
  #seen = Buffer.alloc(0);

  constructor(mark: string) {
    this.#mark = `${mark}\n`;
  }

  push(chunk: Buffer): Buffer {
    if (this.found) return chunk;
    const seen = Buffer.concat([this.#seen, chunk]);
    const at = seen.indexOf(this.#mark);
    this.found = at >= 0;
    this.before = seen.toString('utf8', 0, this.found ? at : undefined);
    this.#seen = this.found ? Buffer.alloc(0) : seen.subarray(-64 * 1024);
    return this.found ? seen.subarray(at + this.#mark.length) : Buffer.alloc(0);
  }
}
