import type { BecomePassword } from './become.ts';
import type { Where } from './errors.ts';
import { failure, place } from './errors.ts';
import { localShell } from './local-shell.ts';
import type { Exit, Process } from './process.ts';
import { scriptRunner } from './runner.ts';
import type { Target, Transport } from './transport.ts';

export interface LocalOptions {
  readonly becomePassword?: BecomePassword | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** This machine itself. Opens no connection. */
export async function connectLocal(target: Target, options: LocalOptions = {}): Promise<Transport> {
  const where: Where = { name: target.name, address: 'this machine' };
  const $ = await localShell(options.env ?? process.env);
  const running = new Set<Process>();
  let execs = 0;
  let closed = false;

  const start = async (command: string): Promise<Process> => {
    if (closed) throw failure('interrupted', where, `${place(where)}: the transport was already closed.`);
    execs++;
    // A group of its own: Ctrl-C in the terminal is for the tool to handle, not for what it runs as root.
    const shell = $({ detached: true, stdio: 'pipe' })`sh -c ${command}`;
    const child = shell.child;
    if (child === undefined)
      throw failure('unreachable', where, `${place(where)}: no shell could be started.`);
    const group = (signal: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // Ended already, or became another user's.
      }
    };
    const exited = new Promise<Exit>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    }).finally(() => running.delete(one));
    const one: Process = {
      stdin: shell.stdin,
      stdout: shell.stdout,
      stderr: shell.stderr,
      // no login shell ran that could have left anything
      ended: exited,
      exited,
      kill: () => group('SIGKILL'),
      close() {
        group('SIGTERM');
        for (const stream of [shell.stdin, shell.stdout, shell.stderr]) stream.destroy();
      },
    };
    running.add(one);
    return one;
  };

  const run = scriptRunner({
    where,
    start,
    sudo: target.become && process.getuid?.() !== 0,
    becomePassword: options.becomePassword,
    explainLoss: () =>
      failure(
        'lost',
        where,
        `${place(where)}: the shell of a script ended without an exit status; whether the script finished is not known.`,
      ),
  });

  return {
    run,
    async close() {
      closed = true;
      for (const one of running) one.close();
    },
    get counts() {
      return { connections: 0, execs };
    },
  };
}
