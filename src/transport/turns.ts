/** Runs `act` when all that came before it is over. Undefined if `signal` gave it up before its turn; once it runs, it has to heed the signal itself. */
export type InTurn = <T>(act: () => Promise<T>, signal?: AbortSignal) => Promise<T | undefined>;

/** One at a time, in the order of asking; what fails or is given up holds up nobody. */
export function turns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return async (act, signal) => {
    const before = last;
    let pass = () => {};
    const over = new Promise<void>((resolve) => {
      pass = resolve;
    });
    last = before.then(() => over);
    try {
      await unlessAborted(before, signal);
      return signal?.aborted ? undefined : await act();
    } finally {
      pass();
    }
  };
}

/**
 * Whoever asks somebody at the terminal: this tool, ssh, a command of the user's. Two prompts at once would both take the one
 * line that is typed. Only for what asks: a host that waits here while a person looks for a password may close the connection.
 */
export const atTerminal = turns();

/** Waits for either. */
async function unlessAborted(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal?.addEventListener('abort', stop, { once: true });
  await Promise.race([promise, aborted]);
  signal?.removeEventListener('abort', stop);
}
