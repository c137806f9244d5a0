import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import type { Target } from '../../src/transport/transport.ts';

export type OnExec = (channel: ServerChannel, command: string, connection: Connection) => void;

export interface ServerOptions {
  onExec?: OnExec;
  hostKey?: 'ed25519' | 'rsa' | 'ecdsa';
  /** How many login tries are refused before one is accepted; Infinity for all. */
  refuse?: number;
  forward?: boolean;
  /** How many sessions are refused before one is let in. */
  refuseSessions?: number;
  /** Variables of the commands that `runCommand` starts. */
  env?: NodeJS.ProcessEnv;
}

/** An SSH server in this process, for faults that a real one does not have on demand. */
export async function startServer(options: ServerOptions = {}) {
  const { onExec = runCommand(options.env), refuse = 0 } = options;
  const dir = await mkdtemp(join(tmpdir(), 'ssh-server-'));
  const hostKey = makeKey(options.hostKey ?? 'ed25519');
  const userKey = makeKey('ed25519');
  const identityFile = join(dir, 'id');
  await writeFile(identityFile, userKey.private, { mode: 0o600 });
  await writeFile(`${identityFile}.pub`, userKey.public);

  const log = { connections: 0, tries: [] as string[], commands: [] as string[] };
  const live = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    log.connections++;
    live.add(connection);
    let left = refuse;
    connection.on('error', () => {});
    connection.on('close', () => live.delete(connection));
    connection.on('authentication', (attempt) => {
      // ssh2 asks twice for an accepted key: once whether, once with the signature.
      const signed = attempt.method === 'publickey' && attempt.signature !== undefined;
      if (!signed) log.tries.push(`${attempt.method} ${attempt.username}`);
      if (attempt.method !== 'publickey' || (!signed && left-- > 0)) attempt.reject(['publickey']);
      else attempt.accept();
    });
    connection.on('ready', () => {
      let refusals = options.refuseSessions ?? 0;
      connection.on('session', (accept, reject) => {
        if (refusals-- > 0) return reject();
        accept().on('exec', (acceptExec, _reject, { command }) => {
          log.commands.push(command);
          onExec(acceptExec(), command, connection);
        });
      });
      // Without a listener the request is answered as administratively prohibited.
      if (!options.forward) return;
      connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
        const socket = connect(destPort, destIP);
        socket.once('connect', () => {
          const channel = accept();
          channel.pipe(socket).pipe(channel);
        });
        socket.on('error', () => reject());
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const knownHosts = join(dir, 'known_hosts');
  const [type, blob] = hostKey.public.split(' ');
  await writeFile(knownHosts, `[127.0.0.1]:${port} ${type} ${blob}\n`);

  const target: Target = {
    name: 'web1',
    connection: 'ssh',
    address: '127.0.0.1',
    port,
    user: 'root',
    identityFile,
    become: true,
  };
  return {
    dir,
    port,
    log,
    live,
    target,
    hostKey: `${type} ${blob}`,
    knownHosts,
    /** No ssh on this machine: the settings are the target's alone, whoever runs the tests. */
    options: {
      knownHostsFiles: [knownHosts],
      sshBinary: join(dir, 'no-ssh'),
      env: { PATH: process.env.PATH },
      connectTimeout: 3,
    },
    async stop() {
      for (const connection of live) connection.end();
      server.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Made by ssh-keygen: about one in 200 ed25519 keys of ssh2's own generator (1.17) is malformed. */
export function makeKey(kind: 'ed25519' | 'rsa' | 'ecdsa', passphrase = '') {
  const dir = mkdtempSync(join(tmpdir(), 'ssh-key-'));
  try {
    const file = join(dir, 'id');
    const size = kind === 'rsa' ? ['-b', '2048'] : [];
    execFileSync('ssh-keygen', [
      '-q',
      '-t',
      kind,
      ...size,
      '-a',
      '4',
      '-N',
      passphrase,
      '-C',
      '',
      '-f',
      file,
    ]);
    return { private: readFileSync(file, 'utf8'), public: readFileSync(`${file}.pub`, 'utf8').trim() };
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What sshd does: the command under a shell, all streams connected. */
export function runCommand(env: NodeJS.ProcessEnv = {}): OnExec {
  return (channel, command) => {
    const child = spawn('sh', ['-c', command], {
      env: { ...process.env, SSH_CONNECTION: '127.0.0.9 4000 127.0.0.1 22', ...env },
    });
    channel.pipe(child.stdin);
    child.stdin.on('error', () => {});
    channel.on('error', () => {});
    channel.on('close', () => child.kill());
    child.stdout.on('data', (chunk) => channel.write(chunk));
    child.stderr.on('data', (chunk) => channel.stderr.write(chunk));
    child.on('close', (code, signal) => {
      channel.exit(code ?? (signal?.replace('SIG', '') as unknown as number));
      channel.end();
    });
  };
}
