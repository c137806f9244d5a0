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

/** A reason in a few words, for a line that has no room for sentences. */
export const IN_SHORT: Readonly<Record<TransportFailure, string>> = {
  unresolved: 'its name has no address',
  refused: 'it refused the connection',
  timeout: 'it did not answer in time',
  unreachable: 'no way led there',
  'no-common-algorithm': 'it and this machine have no algorithm in common',
  'host-key-unknown': 'its host key is not known',
  'host-key-changed': 'its host key is another one',
  'host-key-revoked': 'its host key is revoked',
  'login-rejected': 'the login was rejected',
  'key-unusable': 'the key here could not be used',
  'sudo-missing': 'sudo is missing there',
  'sudo-password-needed': 'sudo wanted a password',
  'sudo-password-wrong': 'sudo did not accept the password',
  'sudo-forbidden': 'sudo is not allowed',
  lost: 'the connection was lost',
  interrupted: 'it was interrupted',
};

export function failure(
  reason: TransportFailure,
  where: Where,
  sentences: string,
  cause?: unknown,
  unsent = false,
): TransportError {
  return new TransportError(reason, where.name, sentences, {
    ...(cause === undefined ? {} : { cause }),
    unsent,
    hop: where.hop,
  });
}

/** What an unanswered connection may mean as well; of limits only the gate knows. */
const banHint = 'Its fail2ban may have banned this address, too.';

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
        `${at} did not answer within ${seconds} s. It may be down, or the address may be wrong. ${banHint}`,
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

/** How far a script is known to have come: one that was sent may have run to its end, though nothing was heard of it. */
export type Underway = 'unsent' | 'sent' | 'started';

/** A TCP connection that ended, or a channel in it, while it was used. */
export function connectionLost(where: Where, script: Underway, why: unknown): TransportError {
  const state =
    script === 'unsent'
      ? 'The script was not started. Run again'
      : `A script ${script === 'started' ? 'was running' : 'had been sent'} there; whether it finished is not known. Run again: the next look shows what the host is now`;
  return failure(
    'lost',
    where,
    why === undefined
      ? `${place(where)} ended a script without an exit status. ${state}.`
      : `The connection to ${place(where)} was lost (${printable(message(why))}). ${state}.`,
    why,
    script === 'unsent',
  );
}

export function sessionRefused(where: Where, cause: unknown): TransportError {
  return failure(
    'refused',
    where,
    `${place(where)} refused a further session on this connection (${printable(message(cause))}); the script was not started. Look at MaxSessions and ForceCommand of its sshd.`,
    cause,
  );
}

/** The jump host before did not open a connection to this one. */
export function forwardFailure(where: Where, prohibited: boolean, cause: unknown): TransportError {
  const said = printable(message(cause));
  return failure(
    prohibited ? 'refused' : 'unreachable',
    where,
    prohibited
      ? `The jump host before ${place(where)} does not forward connections (${said}). Its sshd needs AllowTcpForwarding (and PermitOpen for this address).`
      : `The jump host before ${place(where)} could not reach it (${said}). Check the address, and that sshd runs there.`,
    cause,
  );
}

export function closedBeforeGreeting(where: Where, cause: unknown): TransportError {
  return failure(
    'refused',
    where,
    `${place(where)} closed the connection before greeting (${printable(message(cause))}): too many logins may be under way (MaxStartups), sshd may shut this address out for a while after failed logins (PerSourcePenalties), it may be banned, or no sshd listens there. Wait a minute before the next try.`,
    cause,
  );
}

export function loginTimeout(where: Where, seconds: number, cause: unknown): TransportError {
  return failure(
    'timeout',
    where,
    `${place(where)} took the connection but did not finish the login within ${seconds} s. It may be overloaded, or waiting for a name server. ${banHint}`,
    cause,
  );
}

/** By way of a jump host that is logged in to: nothing tells whether the one or the other is silent. */
export function silentBehind(where: Where, hop: Where, seconds: number, cause: unknown): TransportError {
  return failure(
    'timeout',
    where,
    `Nothing came from ${place(where)} within ${seconds} s by way of ${place(hop)}. Either may be down or overloaded, or a firewall between the two drops the packets. ${banHint}`,
    cause,
  );
}

/**
 * The line was lost between the handshake and the answer to the login. Once a key is offered sshd may have closed it: it says
 * nothing more to an account that has expired, and nothing but a `banner` while nobody may log in.
 */
export function loginCut(
  where: Where,
  user: string,
  { offered, banner = '' }: { readonly offered: boolean; readonly banner?: string },
  cause: unknown,
): TransportError {
  const said = banner.trim() && `; it said “${printable(banner)}”`;
  return failure(
    'lost',
    where,
    `${place(where)} ended the connection in the middle of the login (${printable(message(cause))}${said}), ${
      offered
        ? `after a key of user ${printable(user)} was offered. Its sshd does so where the account has expired (chage -l ${printable(user)}) or nobody may log in for now (/etc/nologin), and a network that breaks looks the same. Look at the log of its sshd before the next try: each is a login that fails`
        : 'before it had accepted or refused anybody. Run again; if it stays so, look at the network between here and there, and at the log of its sshd'
    }.`,
    cause,
    true,
  );
}

/** `keys`: for people, those that were offered. */
export function loginRejected(
  where: Where,
  user: string,
  keys: readonly string[],
  cause: unknown,
): TransportError {
  return failure(
    'login-rejected',
    where,
    `${place(where)} did not accept user ${printable(user)} with ${keys.join('; ') || 'any key'} (${printable(message(cause))}). It was not tried again, because failed logins count for fail2ban. Check the user, and that the key is in its ~/.ssh/authorized_keys; another key is named as identity_file in the inventory.`,
    cause,
  );
}

/** A key was accepted, and is not enough. `methods`: what the host wants besides. */
export function moreThanAKey(
  where: Where,
  user: string,
  key: string,
  methods: readonly string[],
  cause: unknown,
): TransportError {
  const more = methods.map((method) => printable(method)).join(' or ') || 'something more';
  return failure(
    'login-rejected',
    where,
    `${place(where)} accepted ${key} for user ${printable(user)} and then wants ${more} as well (AuthenticationMethods of its sshd), which harden does not give. It was not tried again, because failed logins count for fail2ban. Let a key be enough for this user (Match User ${printable(user)} with AuthenticationMethods publickey in sshd_config), or log in as one whose key is.`,
    cause,
  );
}

/** `client`: who found none. What the ssh of this machine can do more is there at once, and leaves the host as strict as it is. */
export function noCommonAlgorithm(where: Where, client: 'built-in' | 'ssh', cause: unknown): TransportError {
  const algorithms = 'curve25519-sha256, aes256-gcm@openssh.com and hmac-sha2-256';
  const [who, advice] =
    client === 'ssh'
      ? ['the ssh of this machine', `Allow ${algorithms} in its sshd.`]
      : [
          'the client that is built in',
          `Set connection: openssh for ${printable(where.name)} in the inventory: ssh (openssh-client) knows more of them. Only if that has none either, allow ${algorithms} in its sshd.`,
        ];
  return failure(
    'no-common-algorithm',
    where,
    `${place(where)} and ${who} have no algorithm in common (${printable(message(cause))}). ${advice}`,
    cause,
  );
}

export function notSsh(where: Where, cause: unknown): TransportError {
  return failure(
    'unreachable',
    where,
    `${place(where)} does not speak SSH as expected (${printable(message(cause))}). Check the address and the port.`,
    cause,
  );
}
