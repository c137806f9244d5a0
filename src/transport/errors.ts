import { printable } from '../text/harmless.ts';
import { TransportError, type TransportFailure } from './transport.ts';

/** What a message points at: the inventory's name, and the address really used. */
export interface Where {
  readonly name: string;
  readonly address: string;
  /** Absent for the machine itself. */
  readonly port?: number;
  /** The jump host's own name when it is a hop that failed. */
  readonly hop?: string;
}

/** `web1 (203.0.113.10:22)`, and the jump host where the trouble is there. */
export function place({ name, address, port, hop }: Where): string {
  const host = address.includes(':') ? `[${address}]` : address;
  const at = port === undefined ? host : `${host}:${port}`;
  return hop === undefined
    ? `${printable(name)} (${printable(at)})`
    : `jump host ${printable(hop)} (${printable(at)}) on the way to ${printable(name)}`;
}

export function failure(
  reason: TransportFailure,
  where: Where,
  sentences: string,
  cause?: unknown,
): TransportError {
  return new TransportError(reason, where.name, sentences, cause === undefined ? undefined : { cause });
}

/** What an unanswered connection may mean; retrying makes one of the causes worse. */
export const limitHint =
  'Its connection limit (DDOS-SSH) may be dropping this address, or fail2ban may have banned it: every further try ' +
  'restarts the minute that the limit counts, so it is better to wait a minute than to retry.';

/** A TCP connection that was never established. `seconds` is how long was waited. */
export function connectFailure(where: Where, error: unknown, seconds: number): TransportError {
  const code = errorCode(error);
  const at = place(where);
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return failure(
        'unresolved',
        where,
        `The name ${printable(where.address)} of ${at} has no address (${code}). Check the spelling, the DNS, or set address: in the inventory.`,
        error,
      );
    case 'ECONNREFUSED':
      return failure(
        'refused',
        where,
        `${at} refused the connection: nothing listens on that port, or a firewall rejects this address (a fail2ban ban does). Check that sshd runs and the port is right; if it is a ban, wait until it ends.`,
        error,
      );
    case 'ETIMEDOUT':
      return failure(
        'timeout',
        where,
        `${at} did not answer within ${seconds} s. It may be down, or the address may be wrong. ${limitHint}`,
        error,
      );
    default:
      return failure(
        'unreachable',
        where,
        `${at} cannot be reached from here (${printable(code ?? message(error))}). Check the network and the address.`,
        error,
      );
  }
}

export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Somebody here gave up before anything happened there. */
export function interrupted(where: Where): TransportError {
  return failure('interrupted', where, `Connecting to ${place(where)} was interrupted before the login.`);
}
