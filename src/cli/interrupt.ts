/** What asks a run to end: Ctrl-C, a service manager, a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interruption {
  /** After the first signal: nothing new is begun, hosts at work come to a stop. */
  readonly stop: AbortSignal;
  /** After the second: nothing is waited for. */
  readonly leave: AbortSignal;
}

/** Listens to signals for the rest of the process; the third one ends it. The exit code is that of an interrupted run. */
export function interruptible(say: (line: string) => void): Interruption {
  const stop = new AbortController();
  const leave = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (leave.signal.aborted) process.exit(130);
      // nobody is there any more to be told of an orderly end
      if (signal === 'SIGHUP') leave.abort();
      if (stop.signal.aborted) {
        leave.abort();
        return;
      }
      stop.abort();
      say(
        'interrupted: a host in the middle of a change finishes its step, undoes what is not confirmed and ends; once more to leave at once',
      );
    });
  }
  return { stop: stop.signal, leave: leave.signal };
}
