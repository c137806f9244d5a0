import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientChannel } from 'ssh2';
import { type Connection, type SshOptions, sshTransport } from './connection.ts';
import { connectionLost, failure, sessionRefused, type Underway } from './errors.ts';
import { throughGate } from './gate.ts';
import { closeLinks, type Link, logIn } from './link.ts';
import type { Exit, Process } from './process.ts';
import { planStops, type Stop, type Waypoint } from './route.ts';
import { openForward, openSocket } from './socket.ts';
import type { Reached, Target, Transport } from './transport.ts';
import { TransportError } from './transport.ts';

/** Logs in over one TCP connection. Everything local is checked first; no login is tried twice. */
export async function connectSsh(
  target: Target,
  route: readonly Waypoint[],
  options: SshOptions = {},
): Promise<Transport> {
  const stops = await planStops(target, route, options);
  const seconds = options.connectTimeout ?? 10;
  const links: Link[] = [];
  let socket: Duplex | undefined;
  try {
    for (const [index, stop] of stops.entries()) {
      const reach = (milestone: Reached['milestone']) => options.onReached?.(reached(stop, milestone));
      const last = links.at(-1);
      reach('planned');
      socket = await throughGate<Duplex>(options.gate, stops.slice(0, index + 1), options.signal, () =>
        last
          ? openForward(last.client, stop.where, seconds)
          : openSocket(stop.where, seconds, options.signal),
      );
      reach('connected');
      links.push(await logIn(stop, socket, seconds, options.signal, () => reach('trusted')));
      reach('logged-in');
    }
  } catch (error) {
    socket?.destroy();
    await closeLinks(links);
    throw error;
  }
  // The loop ran at least once: the target itself is the last stop.
  const last = stops.at(-1)!;
  return sshTransport(target, last, connection(last, links), options);
}

const reached = ({ where, settings }: Stop, milestone: Reached['milestone']): Reached => ({
  milestone,
  address: settings.host,
  port: settings.port,
  user: settings.user,
  ...(where.hop === undefined ? {} : { hop: where.hop }),
});

/** The last of the links, to the target, as what scripts run over. */
function connection({ where }: Stop, links: readonly Link[]): Connection {
  const link = links.at(-1)!;
  const lost = (script: Underway) =>
    connectionLost(
      where,
      script,
      links.map((one) => one.broken()).find((one) => one !== undefined),
    );
  const open = (command: string): Promise<Process> =>
    new Promise((resolve, reject) => {
      if (link.broken() !== undefined) return reject(lost('unsent'));
      try {
        link.client.exec(command, (error, channel) => {
          if (!error) return resolve(channelProcess(channel));
          reject(link.broken() === undefined ? sessionRefused(where, error) : lost('unsent'));
        });
      } catch (error) {
        reject(failure('lost', where, lost('unsent').message, error, true));
      }
    });
  return { start: (command) => startWhenFree(open, command), lost, close: () => closeLinks(links) };
}

/** Tries to open a session, and milliseconds between two of them. */
const SESSION_TRIES = 5;
const SESSION_PAUSE = 100;

/** sshd with MaxSessions 1 may still count the session that has just ended, and refuse the next one for a moment. */
async function startWhenFree(open: (command: string) => Promise<Process>, command: string): Promise<Process> {
  for (let left = SESSION_TRIES - 1; ; left--) {
    try {
      return await open(command);
    } catch (error) {
      if (left === 0 || !(error instanceof TransportError) || error.reason !== 'refused') throw error;
      await sleep(SESSION_PAUSE);
    }
  }
}

function channelProcess(channel: ClientChannel): Process {
  let exit: Exit = { code: null, signal: null };
  const ended = new Promise<Exit>((resolve) =>
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = { code, signal: signal ?? null };
      resolve(exit);
    }),
  );
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended,
    exited: new Promise((resolve) => channel.once('close', () => resolve(exit))),
    kill: () => channel.signal('KILL'),
    close: () => channel.close(),
  };
}
