import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AuthHandlerMiddleware, Client } from 'ssh2';
import { printable } from '../text/harmless.ts';
import { errorCode, failure, interrupted, limitHint, message, place } from './errors.ts';
import { authHandler, type Credential } from './login.ts';
import type { Stop } from './route.ts';
import type { TransportError } from './transport.ts';

/** An SSH connection that is logged in. */
export interface Link {
  readonly client: Client;
  /** Why it broke, once it has. */
  broken(): unknown;
  readonly closed: Promise<void>;
}

/** Logs in over a connection, with a key that is verified; no login is tried twice. */
export async function logIn(
  stop: Stop,
  sock: Duplex,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Link> {
  const { where, settings, policy, credentials } = stop;
  const { NodeSSH } = await import('node-ssh');
  const ssh = new NodeSSH();
  const tried: Credential[] = [];
  let keyRefusal: TransportError | undefined;
  let handshaken = false;
  let broken: unknown;

  const ready = ssh.connect({
    sock: sock as Socket,
    username: settings.user,
    hostVerifier: (key: Buffer) => {
      keyRefusal = policy.refuse(key);
      return keyRefusal === undefined;
    },
    authHandler: authHandler(settings.user, credentials, tried) as AuthHandlerMiddleware,
    algorithms: {
      serverHostKey: [...policy.algorithms],
      hmac: { append: [], prepend: [], remove: ['hmac-sha1', 'hmac-sha1-etm@openssh.com'] },
    },
    readyTimeout: 2 * seconds * 1000,
    keepaliveInterval: 5000,
    keepaliveCountMax: 3,
  });
  // Set synchronously by connect(); node-ssh itself stops listening for errors once the login is done.
  const client = ssh.connection!;
  client.on('error', (error: unknown) => {
    broken ??= error;
  });
  client.once('handshake', () => {
    handshaken = true;
  });
  const closed = new Promise<void>((resolve) =>
    client.once('close', () => {
      broken ??= new Error('the other side closed it');
      resolve();
    }),
  );
  const onAbort = () => sock.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal?.aborted) onAbort();
    await ready;
  } catch (error) {
    sock.destroy();
    throw signal?.aborted
      ? interrupted(where)
      : (keyRefusal ?? loginFailure(stop, broken ?? error, { handshaken, tried, seconds: 2 * seconds }));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return { client, closed, broken: () => broken };
}

function loginFailure(
  { where, settings, policy }: Stop,
  error: unknown,
  { handshaken, tried, seconds }: { handshaken: boolean; tried: readonly Credential[]; seconds: number },
): TransportError {
  const at = place(where);
  const said = printable(message(error));
  const level = (error as { level?: unknown } | undefined)?.level;
  if (level === 'agent') {
    return failure(
      'key-unusable',
      where,
      `The agent did not sign the login to ${at} (${said}). Confirm it when it asks, or name a key file as identity_file in the inventory.`,
      error,
    );
  }
  if (level === 'client-timeout') {
    return failure(
      'timeout',
      where,
      `${at} took the connection but did not finish the login within ${seconds} s. It may be overloaded, or waiting for a name server. ${limitHint}`,
      error,
    );
  }
  if (handshaken && (level === 'client-socket' || /other side closed/.test(said))) {
    return failure(
      'lost',
      where,
      `${at} ended the connection in the middle of the login (${said}), before it had accepted or refused anybody. Run again; if it stays so, look at the network between here and there, and at the log of its sshd.`,
      error,
    );
  }
  if (handshaken) {
    const keys = tried.map((one) => `${one.label}, ${one.fingerprint}`).join('; ');
    return failure(
      'login-rejected',
      where,
      `${at} did not accept user ${printable(settings.user)} with ${keys || 'any key'} (${said}). It was not tried again, because failed logins count for fail2ban. Check the user, and that the key is in its ~/.ssh/authorized_keys; another key is named as identity_file in the inventory.`,
      error,
    );
  }
  if (/no matching host key/i.test(said)) return policy.noneOffered();
  if (/no matching/i.test(said)) {
    return failure(
      'unreachable',
      where,
      `${at} and this program have no algorithm in common (${said}). Allow curve25519-sha256, aes256-gcm@openssh.com and hmac-sha2-256 in its sshd.`,
      error,
    );
  }
  if (
    /before handshake|ECONNRESET|other side closed|No response/i.test(`${said} ${errorCode(error) ?? ''}`)
  ) {
    return failure(
      'refused',
      where,
      `${at} closed the connection before greeting (${said}): too many logins may be under way (MaxStartups), sshd may shut this address out for a while after failed logins (PerSourcePenalties), it may be banned, or no sshd listens there. Wait a minute before the next try.`,
      error,
    );
  }
  return failure(
    'unreachable',
    where,
    `${at} does not speak SSH as expected (${said}). Check the address and the port.`,
    error,
  );
}

/** Says goodbye from the far end to the near one; waits a second for each at most. */
export async function closeLinks(links: readonly Link[]): Promise<void> {
  for (const { client, closed } of [...links].reverse()) {
    client.end();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      closed,
      new Promise((resolve) => {
        timer = setTimeout(resolve, 1000);
      }),
    ]);
    clearTimeout(timer);
    client.destroy();
  }
}
