import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { printable } from '../text/harmless.ts';
import type { BecomePassword } from './become.ts';
import { failure, message, place } from './errors.ts';
import { closeLinks, type Link, logIn } from './link.ts';
import type { Exit, Process } from './process.ts';
import { planRoute, type RouteOptions, type Stop } from './route.ts';
import { scriptRunner } from './runner.ts';
import { openForward, openSocket } from './socket.ts';
import type { Target, Transport, TransportError } from './transport.ts';

export interface SshOptions extends RouteOptions {
  /** Asked at most once, and only when sudo wants a password. */
  readonly becomePassword?: BecomePassword | undefined;
  /** Seconds for the TCP connection, and twice that for the login. Default 10. */
  readonly connectTimeout?: number | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
}

/** Logs in over one TCP connection. Everything local is checked first; no login is tried twice. */
export async function connectSsh(target: Target, options: SshOptions = {}): Promise<Transport> {
  const stops = await planRoute(target, options);
  const seconds = options.connectTimeout ?? 10;
  const links: Link[] = [];
  let socket: Duplex | undefined;
  try {
    for (const stop of stops) {
      const last = links.at(-1);
      socket = last
        ? await openForward(last.client, stop.where, seconds)
        : await openSocket(stop.where, seconds, options.signal);
      links.push(await logIn(stop, socket, seconds, options.signal));
    }
  } catch (error) {
    socket?.destroy();
    await closeLinks(links);
    throw error;
  }
  // The loop ran at least once: the target itself is the last stop.
  return sshTransport(target, stops.at(-1)!, links, options);
}

function sshTransport(
  target: Target,
  { where, settings }: Stop,
  links: readonly Link[],
  options: SshOptions,
): Transport {
  const link = links.at(-1)!;
  let execs = 0;
  let closing = false;

  const lost = (started: boolean): TransportError => {
    if (closing) {
      return failure(
        'interrupted',
        where,
        `The connection to ${place(where)} was closed here before the script's end was known.`,
      );
    }
    const state = started
      ? 'A script was running there; whether it finished is not known. Run again: the next look shows what the host is now'
      : 'The script was not started. Run again';
    const why = links.map((one) => one.broken()).find((one) => one !== undefined);
    return failure(
      'lost',
      where,
      why === undefined
        ? `${place(where)} ended a script without an exit status. ${state}.`
        : `The connection to ${place(where)} was lost (${printable(message(why))}). ${state}.`,
      why,
    );
  };

  const start = (command: string): Promise<Process> =>
    new Promise((resolve, reject) => {
      if (closing || link.broken() !== undefined) return reject(lost(false));
      execs++;
      try {
        link.client.exec(command, (error, channel) => {
          if (!error) return resolve(channelProcess(channel));
          reject(
            link.broken() !== undefined || closing
              ? lost(false)
              : failure(
                  'refused',
                  where,
                  `${place(where)} refused a further session on this connection (${printable(error.message)}); the script was not started. Look at MaxSessions and ForceCommand of its sshd.`,
                  error,
                ),
          );
        });
      } catch (error) {
        reject(failure('lost', where, lost(false).message, error));
      }
    });

  return {
    run: scriptRunner({
      where,
      start,
      sudo: target.become && settings.user !== 'root',
      becomePassword: options.becomePassword,
      explainLoss: lost,
    }),
    async close() {
      closing = true;
      await closeLinks(links);
    },
    get counts() {
      return { connections: 1, execs };
    },
  };
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
