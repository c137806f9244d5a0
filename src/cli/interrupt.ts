/** What asks a run to end: Ctrl-C, a service manager, a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Aborts at the first signal and leaves at once at the second. The exit code is that of an interrupted run. */
export function interruptible(say: (line: string) => void): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) process.exit(130);
      interrupted.abort();
      say(
        'interrupted: a host in the middle of a change goes on by itself and undoes what nobody confirms; once more to leave at once',
      );
    });
  }
  return interrupted.signal;
}
