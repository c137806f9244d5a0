import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { connectFailure, forwardFailure, interrupted, type Where } from './errors.ts';
import type { TransportError } from './transport.ts';

/** A TCP connection to the first host on the way. */
export function openSocket(where: Where, seconds: number, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted(where));
    const socket = connectTcp({
      host: where.address,
      port: where.port ?? 22,
      noDelay: true,
      // Node's 250 ms for each address of a name would give up on hosts that are merely far away.
      autoSelectFamilyAttemptTimeout: Math.max(1000, (seconds * 1000) / 4),
    });
    const settle = (error?: TransportError) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      // From here on an error listener must always be there, or a reset ends the whole process.
      socket.on('error', () => {});
      if (error === undefined) return resolve(socket);
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error) => settle(connectFailure(where, error, seconds));
    const onAbort = () => settle(interrupted(where));
    const timer = setTimeout(
      () =>
        settle(connectFailure(where, Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }), seconds)),
      seconds * 1000,
    );
    socket.once('error', onError);
    socket.once('connect', () => settle());
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A connection from the last jump host onwards. */
export function openForward(client: Client, where: Where, seconds: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(connectFailure(where, Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }), seconds)),
      seconds * 1000,
    );
    client.forwardOut('127.0.0.1', 0, where.address, where.port ?? 22, (error, channel) => {
      clearTimeout(timer);
      if (!error) return resolve(channel);
      reject(forwardFailure(where, (error as { reason?: unknown }).reason === 1, error));
    });
  });
}
