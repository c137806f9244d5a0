import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AuthHandlerMiddleware, Client } from 'ssh2';
import { printable } from '../text/harmless.ts';
import {
  closedBeforeGreeting,
  errorCode,
  failure,
  interrupted,
  loginCut,
  loginRejected,
  loginTimeout,
  message,
  moreThanAKey,
  noCommonAlgorithm,
  notSsh,
  place,
} from './errors.ts';
import { authHandler, type Credential } from './login.ts';
import type { Stop } from './route.ts';
import type { TransportError } from './transport.ts';

/** An SSH connection that is logged in. */
export interface Link {
  readonly client: Client;
  /** Why it broke, once it has. */
  broken(): unknown;
  readonly closed: Promise<void>;
  /** Ends it without a word. */
  cut(): void;
}

/** Logs in over a connection, with a key that is verified; no login is tried twice. */
export async function logIn(
  stop: Stop,
  sock: Duplex,
  seconds: number,
  signal: AbortSignal | undefined,
  onTrusted: () => void,
): Promise<Link> {
  const { where, settings, policy, credentials } = stop;
  const { NodeSSH } = await import('node-ssh');
  const ssh = new NodeSSH();
  const tried: Credential[] = [];
  let shown: Buffer | undefined;
  let keyRefusal: TransportError | undefined;
  let handshaken = false;
  let broken: unknown;

  let banner = '';
  /** What the host wants beside a key that it has accepted. */
  let more: readonly string[] | undefined;

  const offer = authHandler(settings.user, credentials, tried);
  const offerKey: typeof offer = (methods, partial, next) => {
    if (partial) more = methods ?? [];
    offer(methods, partial, next);
  };
  /** The first question comes when the host has proven its key, before any login. */
  const keepHostKey: typeof offerKey = (...question) => {
    const key = shown;
    shown = undefined;
    if (key === undefined || policy.keep === undefined) return offerKey(...question);
    policy.keep(key).then((refusal) => {
      keyRefusal = refusal;
      if (refusal) sock.destroy();
      else offerKey(...question);
    });
  };

  const ready = ssh.connect({
    sock: sock as Socket,
    username: settings.user,
    hostVerifier: (key: Buffer) => {
      shown = key;
      keyRefusal = policy.refuse(key);
      return keyRefusal === undefined;
    },
    authHandler: keepHostKey as AuthHandlerMiddleware,
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
  client.on('banner', (words) => {
    banner = `${banner} ${words}`.slice(0, 1000);
  });
  client.once('handshake', () => {
    handshaken = true;
    onTrusted();
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
      : (keyRefusal ??
          sshFailure(stop, broken ?? error, { handshaken, tried, banner, more, seconds: 2 * seconds }));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return { client, closed, broken: () => broken, cut: () => void sock.destroy() };
}

function sshFailure(
  { where, settings, policy }: Stop,
  error: unknown,
  {
    handshaken,
    tried,
    banner,
    more,
    seconds,
  }: {
    handshaken: boolean;
    tried: readonly Credential[];
    banner: string;
    more: readonly string[] | undefined;
    seconds: number;
  },
): TransportError {
  const said = printable(message(error));
  const level = (error as { level?: unknown } | undefined)?.level;
  if (level === 'agent') {
    return failure(
      'key-unusable',
      where,
      `The agent did not sign the login to ${place(where)} (${said}). Confirm it when it asks, or name a key file as identity_file in the inventory.`,
      error,
    );
  }
  if (level === 'client-timeout') return loginTimeout(where, seconds, error);
  if (handshaken && (level === 'client-socket' || /other side closed/.test(said))) {
    return loginCut(where, settings.user, { offered: tried.length > 0, banner }, error);
  }
  if (handshaken) {
    const keys = tried.map((one) => `${one.label}, ${one.fingerprint}`);
    if (more) return moreThanAKey(where, settings.user, keys.at(-1) ?? 'the key', more, error);
    return loginRejected(where, settings.user, keys, error);
  }
  if (/no matching host key/i.test(said)) return policy.noneOffered();
  if (/no matching/i.test(said)) return noCommonAlgorithm(where, 'built-in', error);
  if (
    /before handshake|ECONNRESET|other side closed|No response/i.test(`${said} ${errorCode(error) ?? ''}`)
  ) {
    return closedBeforeGreeting(where, error);
  }
  return notSsh(where, error);
}

/** Says goodbye from the far end to the near one; waits a second for each at most. */
export async function closeLinks(links: readonly Link[]): Promise<void> {
  for (const { client, closed, cut } of [...links].reverse()) {
    client.end();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      closed,
      new Promise((resolve) => {
        timer = setTimeout(resolve, 1000);
      }),
    ]);
    clearTimeout(timer);
    // ssh2's own destroy leaves a socket alone that has begun to end, and one that nobody answers would keep the process
    cut();
  }
}
