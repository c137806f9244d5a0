import type { Readable, Writable } from 'node:stream';

/** One command that runs on the host: an SSH channel or a local process. */
export interface Process {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once the command itself has ended: something that a login shell left running may hold its output open. */
  readonly ended: Promise<Exit>;
  /** Settles once all output was delivered. Both null: nothing is known of its end. Never rejects. */
  readonly exited: Promise<Exit>;
  /** SIGKILL, before it can see end-of-file. Falls back to `close`. */
  kill(): void;
  /** Gives it up: closes its standard streams. */
  close(): void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it never began, where the host gave it no session. */
  readonly refused?: Error;
}

/** Starts one command line under the login shell. `mark`: a word that the command line of no other process there contains. */
export type Start = (command: string, mark: string) => Promise<Process>;

const sliceSize = 64 * 1024;

/** Writes everything, no faster than the other side reads. A closed pipe is not an error: the exit tells. */
export async function writeAll(stdin: Writable, data: Buffer, onProgress: () => void): Promise<void> {
  for (let at = 0; at < data.length && stdin.writable; at += sliceSize) {
    if (!stdin.write(data.subarray(at, at + sliceSize))) await drained(stdin);
    onProgress();
  }
}

function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error']) stdin.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stdin.on(event, done);
  });
}
