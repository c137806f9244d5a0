import type { ProcessPromise } from 'zx';
import type { Exit, Process } from './process.ts';

/** A command of zx on this machine as a `Process`. `send` delivers signals, to a group where it has one. */
export function localProcess(shell: ProcessPromise, send: (signal: NodeJS.Signals) => void): Process {
  const { child, stdin, stdout, stderr } = shell;
  const exited = new Promise<Exit>((resolve) => {
    const unknown = () => resolve({ code: null, signal: null });
    if (child === undefined) return unknown();
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', unknown);
  });
  return {
    stdin,
    stdout,
    stderr,
    // no login shell ran that could have left anything
    ended: exited,
    exited,
    kill: () => send('SIGKILL'),
    close() {
      send('SIGTERM');
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
    },
  };
}
