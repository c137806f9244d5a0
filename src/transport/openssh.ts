import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sh } from '../shell/quote.ts';
import { type Connection, type SshOptions, sshTransport } from './connection.ts';
import { connectionLost, type Underway } from './errors.ts';
import { throughGate, wayTo } from './gate.ts';
import { localProcess } from './local-process.ts';
import { localShell } from './local-shell.ts';
import { type Master, openMaster } from './openssh-master.ts';
import { sessionArguments } from './openssh-options.ts';
import type { Exit, Start } from './process.ts';
import type { Waypoint } from './route.ts';
import type { Target, Transport } from './transport.ts';

/**
 * Logs in with the ssh of this machine, over one TCP connection of its own: a master that nothing else shares, so that every new
 * connection is a new login, and scripts as sessions of it.
 */
export async function connectOpenSsh(
  target: Target,
  route: readonly Waypoint[],
  options: SshOptions = {},
): Promise<Transport> {
  const { gate, signal } = options;
  // ssh makes the whole way at once: each stop on it has to let this machine through
  for (let hops = 1; gate && hops < route.length; hops++) {
    await gate.admit(await wayTo(route.slice(0, hops), signal), route[hops - 1]!.where, signal);
  }
  const master = await throughGate(gate, route, signal, () => openMaster(target, route, options));
  const last = route.at(-1)!;
  return sshTransport(target, last, await connection(last, master, options), options);
}

/** Nothing is known of its end. */
const NO_EXIT: Exit = { code: null, signal: null };

async function connection({ where }: Waypoint, master: Master, options: SshOptions): Promise<Connection> {
  const $ = await localShell(options.env ?? process.env);
  const ssh = options.sshBinary ?? 'ssh';
  const session = sessionArguments(master.folder);
  let sessions = 0;

  const lost = (script: Underway) => connectionLost(where, script, master.ended());

  /** ssh ends with 255 for a script that did, for one that a signal ended, and for trouble of its own. */
  const judge = async (exit: Exit, log: string): Promise<Exit> => {
    if (exit.code === null) return NO_EXIT;
    if (exit.code !== 255) return exit;
    const said = await readFile(log, 'utf8').catch(() => '');
    const refused = /session request failed: (.*)/.exec(said)?.[1];
    if (refused !== undefined) return { ...NO_EXIT, refused: new Error(refused) };
    const { exitCode } = await $`${ssh} -O check ${session} -- host </dev/null`;
    if (exitCode === 0) return exit;
    await master.end(1);
    return NO_EXIT;
  };

  const start: Start = async (command, mark) => {
    if (master.ended() !== undefined) throw lost('unsent');
    const log = join(master.folder, `session${++sessions}.log`);
    // Ctrl-C in the terminal is for the tool to handle.
    const shell = $({
      stdio: 'pipe',
    })`trap '' INT QUIT; exec ${ssh} ${session} -E ${log} -- host ${command}`;
    const process = localProcess(shell, (signal) => void shell.child?.kill(signal));
    const exited = process.exited.then((exit) => judge(exit, log));
    return {
      ...process,
      ended: exited,
      exited,
      // No signal can be sent over a session, so another one kills what has the mark in its command line.
      kill: () => void $`${ssh} ${session} -- host ${killer(mark)} </dev/null`,
    };
  };

  return { start, lost, close: () => master.close() };
}

/** One word without quotes for any login shell. Spares only itself: what else has the mark is part of the command. */
function killer(mark: string): string {
  const loop = `for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || ! grep -q ${mark} $p/cmdline || kill -9 \${p#/proc/}; done 2>/dev/null`;
  return sh`sh -c ${loop}`.text;
}
