import type { BecomePassword } from './become.ts';
import { failure, place, type Underway } from './errors.ts';
import type { Gate } from './gate.ts';
import type { Start } from './process.ts';
import type { RouteOptions, Waypoint } from './route.ts';
import { scriptRunner } from './runner.ts';
import type { Reached, Target, Transport, TransportError } from './transport.ts';

export interface SshOptions extends RouteOptions {
  readonly gate?: Gate | undefined;
  /** Asked at most once, and only when sudo wants a password. */
  readonly becomePassword?: BecomePassword | undefined;
  /** Seconds for the TCP connection, and twice that for the login. Default 10. */
  readonly connectTimeout?: number | undefined;
  /** Whether there is a terminal on which ssh itself may ask (for a passphrase, a PIN, a touch). */
  readonly terminal?: boolean | undefined;
  /** Told of each step of the way. */
  readonly onReached?: ((reached: Reached) => void) | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
}

/** An SSH connection that is logged in, whoever opened it. */
export interface Connection {
  readonly start: Start;
  /** Why a command ended without an exit status, or did not start. */
  lost(script: Underway): TransportError;
  close(): Promise<void>;
}

/** Scripts over one connection. */
export function sshTransport(
  target: Target,
  { where, settings }: Waypoint,
  connection: Connection,
  options: SshOptions,
): Transport {
  let execs = 0;
  let closing = false;
  const lost = (script: Underway): TransportError =>
    closing
      ? failure(
          'interrupted',
          where,
          `The connection to ${place(where)} was closed here before the script's end was known.`,
        )
      : connection.lost(script);

  return {
    run: scriptRunner({
      where,
      start: (command, mark) => {
        if (closing) return Promise.reject(lost('unsent'));
        execs++;
        return connection.start(command, mark);
      },
      sudo: target.become && settings.user !== 'root',
      becomePassword: options.becomePassword,
      explainLoss: lost,
    }),
    async close() {
      closing = true;
      await connection.close();
    },
    get counts() {
      return { connections: 1, execs };
    },
  };
}
