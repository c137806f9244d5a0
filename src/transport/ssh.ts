import { readFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AuthHandlerMiddleware, Client, ClientChannel } from 'ssh2';
import type { BecomePassword } from './become.ts';
import {
  connectFailure,
  errorCode,
  failure,
  limitHint,
  message,
  place,
  printable,
  type Where,
} from './errors.ts';
import { type HostKeyPolicy, knownKeys, pinnedKey } from './host-key.ts';
import { type KnownHost, parseKnownHosts } from './known-hosts.ts';
import { authHandler, type Credential, planLogin } from './login.ts';
import type { Exit, Process } from './process.ts';
import { scriptRunner } from './runner.ts';
import { expandPath, parseJumps, resolveSettings, type SshSettings } from './ssh-config.ts';
import type { Target, Transport, TransportError } from './transport.ts';

export interface SshOptions {
  /** Asked at most once, and only when sudo wants a password. */
  readonly becomePassword?: BecomePassword | undefined;
  /** Opens an encrypted key file that no agent holds. */
  readonly passphrase?: ((file: string) => Promise<string | undefined>) | undefined;
  /** Instead of those that ssh would read. */
  readonly knownHostsFiles?: readonly string[] | undefined;
  /** Seconds for the TCP connection, and twice that for the login. Default 10. */
  readonly connectTimeout?: number | undefined;
  /** Default `ssh`; used only for `ssh -G`. */
  readonly sshBinary?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
}

/** One host on the way, the last one being the target: all that can be known before a packet is sent. */
interface Stop {
  readonly where: Where;
  readonly settings: SshSettings;
  readonly policy: HostKeyPolicy;
  readonly credentials: readonly Credential[];
}

/** An SSH connection that is logged in. */
interface Link {
  readonly client: Client;
  /** Why it broke, once it has. */
  broken(): unknown;
  readonly closed: Promise<void>;
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
  channel.on('exit', (code: number | null, signal?: string) => {
    exit = { code, signal: signal ?? null };
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exited: new Promise((resolve) => channel.once('close', () => resolve(exit))),
    kill: () => channel.signal('KILL'),
    close: () => channel.close(),
  };
}

/** The hosts to pass, as ssh would: jump hosts first. */
async function planRoute(target: Target, options: SshOptions): Promise<Stop[]> {
  const env = options.env ?? process.env;
  const surroundings = { env, sshBinary: options.sshBinary };
  const name: Where = { name: target.name, address: target.address };

  const settings = await resolveSettings(target.address, target, surroundings, name);
  const hops: { address: string; settings: SshSettings }[] = [];
  let jumps = settings.proxyJump === undefined ? [] : parseJumps(settings.proxyJump);
  while (jumps.length > 0) {
    if (hops.length + jumps.length > 8) {
      throw failure(
        'unreachable',
        name,
        `The jump hosts of ${printable(target.name)} form a circle or are more than eight. Correct ProxyJump or jump:; no connection was made.`,
      );
    }
    const resolved: typeof hops = [];
    for (const hop of jumps) {
      const where = { ...name, address: hop.address, hop: hop.address };
      resolved.push({
        address: hop.address,
        settings: await resolveSettings(hop.address, hop, surroundings, where),
      });
    }
    hops.unshift(...resolved);
    // Only the first host of a list is reached by its own configuration; the others through the one before.
    const next = resolved[0]?.settings.proxyJump;
    jumps = next === undefined ? [] : parseJumps(next);
  }

  const all = [...hops, { address: undefined, settings }];
  const stops: Stop[] = [];
  for (const { address, settings: own } of all) {
    const where: Where = {
      name: target.name,
      address: own.host,
      port: own.port,
      ...(address === undefined ? {} : { hop: address }),
    };
    if (own.proxyCommand !== undefined && own.proxyJump === undefined && stops.length === 0) {
      throw failure(
        'unreachable',
        where,
        `Your ssh configuration reaches ${place(where)} through a ProxyCommand, which is not supported. Use ProxyJump there, or jump: in the inventory; no connection was made.`,
      );
    }
    const isTarget = address === undefined;
    const files = options.knownHostsFiles ?? own.knownHostsFiles;
    stops.push({
      where,
      settings: own,
      policy:
        isTarget && target.hostKey !== undefined
          ? pinnedKey(target.hostKey, where)
          : knownKeys(
              await readKnownHosts(files),
              { host: own.host, port: own.port, alias: own.hostKeyAlias },
              where,
            ),
      credentials: await planLogin({
        // A jump host has its own keys, as with ssh; the inventory's key comes after them.
        settings:
          isTarget || target.jump === undefined || target.identityFile === undefined
            ? own
            : {
                ...own,
                identityFiles: [
                  ...own.identityFiles,
                  expandPath(target.identityFile, { ...settings, name: target.address }, env),
                ],
              },
        identityFile: isTarget ? target.identityFile : undefined,
        passphrase: options.passphrase,
        env,
        where,
      }),
    });
  }
  return stops;
}

async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.flatMap((file, index) => parseKnownHosts(texts[index] ?? '', file));
}

function interrupted(where: Where): TransportError {
  return failure('interrupted', where, `Connecting to ${place(where)} was interrupted before the login.`);
}

function openSocket(where: Where, seconds: number, signal: AbortSignal | undefined): Promise<Socket> {
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
function openForward(client: Client, where: Where, seconds: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(connectFailure(where, Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }), seconds)),
      seconds * 1000,
    );
    client.forwardOut('127.0.0.1', 0, where.address, where.port ?? 22, (error, channel) => {
      clearTimeout(timer);
      if (!error) return resolve(channel);
      const prohibited = (error as { reason?: unknown }).reason === 1;
      reject(
        failure(
          prohibited ? 'refused' : 'unreachable',
          where,
          prohibited
            ? `The jump host before ${place(where)} does not forward connections (${printable(error.message)}). Its sshd needs AllowTcpForwarding (and PermitOpen for this address).`
            : `The jump host before ${place(where)} could not reach it (${printable(error.message)}). Check the address, and that sshd runs there.`,
          error,
        ),
      );
    });
  });
}

async function logIn(
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
      `${at} closed the connection before greeting (${said}): too many logins may be under way (MaxStartups), this address may be banned, or no sshd listens there. Wait a minute before the next try.`,
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
async function closeLinks(links: readonly Link[]): Promise<void> {
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
