import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { script } from '../../src/shell/frame.ts';
import { raw } from '../../src/shell/quote.ts';
import { connect } from '../../src/transport/connect.ts';
import type { SshOptions } from '../../src/transport/connection.ts';
import type { Gate } from '../../src/transport/gate.ts';
import type { Target, Transport } from '../../src/transport/transport.ts';
import { makeKey, type OnExec, runCommand, type ServerOptions, startServer } from './server.ts';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function serve(options: ServerOptions = {}) {
  const server = await startServer(options);
  cleanup.push(server.stop);
  return server;
}

async function logIn(target: Target, options: SshOptions): Promise<Transport> {
  const transport = await connect(target, options);
  cleanup.push(() => transport.close());
  return transport;
}

const ready = (command: string) => /READY-\w+/.exec(command)?.[0];

/** Pretends that the script runs: says so, reads it, then does as told. */
function afterScript(
  act: (channel: Parameters<OnExec>[0], connection: Parameters<OnExec>[2]) => void,
): OnExec {
  return (channel, command, connection) => {
    channel.on('error', () => {});
    channel.resume();
    channel.write(`${ready(command)}\n`);
    channel.once('end', () => act(channel, connection));
  };
}

describe('running scripts', () => {
  test('bytes in, bytes out, over one connection', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    const output = await transport.run('printf "a\\377\\n"; echo err >&2; echo "$*"; exit 3\n');
    expect(output.stdout).toEqual(Buffer.from('a\xff\n127.0.0.9 4000 127.0.0.1 22\n', 'latin1'));
    expect(output.stderr.toString()).toBe('err\n');
    expect(output.code).toBe(3);
    await Promise.all([transport.run('exit 0'), transport.run('exit 0')]);
    expect(transport.counts).toEqual({ connections: 1, execs: 3 });
    expect(server.log.connections).toBe(1);
    expect(server.log.tries).toEqual(['publickey root']);
  });

  test('a host that still counts the session before: the next one is let in a moment later', async () => {
    const server = await serve({ refuseSessions: 2 });
    const transport = await logIn(server.target, server.options);
    expect((await transport.run('exit 3')).code).toBe(3);
    expect(server.log.connections).toBe(1);
  });

  test('a host that lets no session in: that is said', async () => {
    const server = await serve({ refuseSessions: Number.POSITIVE_INFINITY });
    const transport = await logIn(server.target, server.options);
    await expect(transport.run('exit 3')).rejects.toMatchObject({
      reason: 'refused',
      message: expect.stringContaining('refused a further session on this connection'),
    });
  });

  test('megabytes each way', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    const comment = `# ${'x'.repeat(1022)}\n`.repeat(5000);
    const output = await transport.run(`${comment}head -c 5000000 /dev/zero\n`);
    expect(output.stdout.length).toBe(5_000_000);
  });

  test('a script that ends before it was read', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    const output = await transport.run(`exit 5\n${`# ${'x'.repeat(1022)}\n`.repeat(5000)}`);
    expect(output.code).toBe(5);
  });

  test('what a login shell says is not output', async () => {
    const server = await serve({
      onExec: (channel, command) => {
        channel.resume();
        channel.write('Welcome to web1\n');
        channel.stderr.write('stty: not a tty\n');
        channel.write(`no newline${ready(command)}\nreal\n`);
        channel.stderr.write(`${ready(command)}\nreal error\n`);
        channel.exit(0);
        channel.end();
      },
    });
    const output = await (await logIn(server.target, server.options)).run('');
    expect(output.stdout.toString()).toBe('real\n');
    expect(output.stderr.toString()).toBe('real error\n');
  });

  test('a login shell that left something running, which holds the output open', async () => {
    const server = await serve({
      onExec: afterScript(async (channel) => {
        channel.write('first\n');
        channel.exit(0);
        // what is still under way when the end of the command is known
        await new Promise((resolve) => setTimeout(resolve, 500));
        channel.write('last\n');
      }),
    });
    const transport = await logIn(server.target, server.options);
    expect(await transport.run('')).toMatchObject({ code: 0, stdout: Buffer.from('first\nlast\n') });
  });

  test('characters split over packets come out whole', async () => {
    const bytes = Buffer.from('grün 🦌\n');
    const server = await serve({
      onExec: afterScript(async (channel) => {
        for (const byte of bytes) {
          channel.write(Buffer.from([byte]));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        channel.exit(0);
        channel.end();
      }),
    });
    const seen: Buffer[] = [];
    const transport = await logIn(server.target, server.options);
    const output = await transport.run('', { onStdout: (chunk) => seen.push(chunk) });
    expect(output.stdout.toString()).toBe('grün 🦌\n');
    expect(seen.length).toBeGreaterThan(1);
    expect(Buffer.concat(seen)).toEqual(output.stdout);
  });

  test('a script that a signal ended', async () => {
    const server = await serve();
    const output = await (await logIn(server.target, server.options)).run('kill -TERM $$\n');
    expect(output.code).toBe(143);
  });

  test('a throwing listener ends the run with its error', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    const run = transport.run('echo x; sleep 5', {
      onStdout: () => {
        throw new Error('mine');
      },
    });
    await expect(run).rejects.toThrow('mine');
  });
});

describe('a connection that goes wrong', () => {
  test.each<[string, OnExec, RegExp]>([
    [
      'end',
      afterScript((_channel, connection) => connection.end()),
      /was lost .*whether it finished is not known/,
    ],
    [
      'reset',
      afterScript((_channel, connection) =>
        (connection as unknown as { _sock: { resetAndDestroy(): void } })._sock.resetAndDestroy(),
      ),
      /was lost \(.*ECONNRESET.*whether it finished is not known/,
    ],
    [
      'channel without an exit status',
      afterScript((channel) => channel.close()),
      /ended a script without an exit status/,
    ],
    [
      'before anything was heard of the script',
      (_channel, _command, connection) => connection.end(),
      /was lost .*A script had been sent there; whether it finished is not known/,
    ],
  ])('%s', async (_name, onExec, says) => {
    const server = await serve({ onExec });
    const transport = await logIn(server.target, server.options);
    await expect(transport.run('x')).rejects.toMatchObject({
      reason: 'lost',
      host: 'web1',
      message: expect.stringMatching(says),
    });
  });

  test('after a loss every run says so, and nothing is left to crash the process', async () => {
    const server = await serve({ onExec: afterScript((_channel, connection) => connection.end()) });
    const transport = await logIn(server.target, server.options);
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'lost', unsent: false });
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'lost', unsent: true });
    await transport.close();
    await transport.close();
  });

  test('silence', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    await expect(transport.run('echo; sleep 10', { silence: 0.3 })).rejects.toMatchObject({
      reason: 'timeout',
      message: expect.stringContaining('said nothing for 0.3 s'),
    });
    // The connection is still good.
    expect((await transport.run('for i in 1 2 3 4; do echo; sleep 0.2; done', { silence: 0.6 })).code).toBe(
      0,
    );
  });

  test('interruption', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    const control = new AbortController();
    const run = transport.run('echo; sleep 10', { signal: control.signal, onStdout: () => control.abort() });
    await expect(run).rejects.toMatchObject({ reason: 'interrupted' });
    await expect(transport.run('', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'interrupted',
    });
  });

  test('closing ends what runs', async () => {
    const server = await serve();
    const transport = await logIn(server.target, server.options);
    const run = transport.run('echo; sleep 10', { onStdout: () => void transport.close() });
    await expect(run).rejects.toMatchObject({ reason: 'interrupted' });
  });
});

describe('no connection', () => {
  const target: Target = {
    name: 'web1',
    connection: 'ssh',
    address: '127.0.0.1',
    user: 'root',
    become: true,
  };

  async function keyed() {
    const server = await serve();
    return { ...target, identityFile: server.target.identityFile!, options: server.options };
  }

  test('nobody listens', async () => {
    const { options, ...mine } = await keyed();
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await expect(connect({ ...mine, port }, options)).rejects.toMatchObject({
      reason: 'refused',
      message: expect.stringContaining(`web1 (127.0.0.1:${port}) refused`),
    });
  });

  test.each<[string, (socket: Socket) => void, string, RegExp]>([
    ['hangs up', (socket) => socket.destroy(), 'refused', /closed the connection before greeting/],
    ['says nothing', () => {}, 'timeout', /did not finish the login.*fail2ban/],
    [
      'is no SSH server',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'refused',
      /no sshd listens/,
    ],
  ])('a server that %s', async (_name, act, reason, says) => {
    const { options, ...mine } = await keyed();
    const sockets: Socket[] = [];
    const odd = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      act(socket);
    }).listen(0, '127.0.0.1');
    await once(odd, 'listening');
    cleanup.push(async () => {
      for (const socket of sockets) socket.destroy();
      odd.close();
    });
    const { port } = odd.address() as AddressInfo;
    await expect(connect({ ...mine, port }, { ...options, connectTimeout: 0.2 })).rejects.toMatchObject({
      reason,
      message: expect.stringMatching(says),
    });
    expect(sockets).toHaveLength(1);
  });

  test('a name without an address', async () => {
    const { options, ...mine } = await keyed();
    await expect(connect({ ...mine, address: 'web1.invalid' }, options)).rejects.toMatchObject({
      reason: 'unresolved',
    });
  });

  test('interrupted meanwhile', async () => {
    const { options, ...mine } = await keyed();
    await expect(connect(mine, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'interrupted',
    });
  });
});

describe('host keys', () => {
  test.each(['ed25519', 'rsa', 'ecdsa'] as const)('a known %s key', async (hostKey) => {
    const server = await serve({ hostKey });
    await logIn(server.target, server.options);
    // As a pin it needs no file.
    await logIn({ ...server.target, hostKey: server.hostKey }, { ...server.options, knownHostsFiles: [] });
    expect(server.log.connections).toBe(2);
  });

  test('an unknown one is named with its fingerprint, and no login is tried', async () => {
    const server = await serve();
    await expect(connect(server.target, { ...server.options, knownHostsFiles: [] })).rejects.toMatchObject({
      reason: 'host-key-unknown',
      message: expect.stringMatching(/ssh-ed25519 key with fingerprint SHA256:[A-Za-z0-9+/]{43}.*host_key:/),
    });
    expect(server.log.tries).toEqual([]);
  });

  test('a changed one names file and line', async () => {
    const server = await serve();
    await writeFile(server.knownHosts, `# old\n[127.0.0.1]:${server.port} ${makeKey('ed25519').public}\n`);
    await expect(connect(server.target, server.options)).rejects.toMatchObject({
      reason: 'host-key-changed',
      message: expect.stringContaining(`${server.knownHosts}:2`),
    });
    expect(server.log.tries).toEqual([]);
  });

  test('one of a type that is not on file', async () => {
    const server = await serve({ hostKey: 'ed25519' });
    await writeFile(server.knownHosts, `[127.0.0.1]:${server.port} ${makeKey('rsa').public}\n`);
    await expect(connect(server.target, server.options)).rejects.toMatchObject({
      reason: 'host-key-changed',
      message: expect.stringContaining('ssh-rsa'),
    });
  });

  test('a revoked one', async () => {
    const server = await serve();
    const good = await readFile(server.knownHosts, 'utf8');
    await writeFile(server.knownHosts, `${good}@revoked * ${server.hostKey}\n`);
    await expect(connect(server.target, server.options)).rejects.toMatchObject({
      reason: 'host-key-revoked',
    });
  });

  test('a pinned one that known_hosts marks as revoked costs no connection', async () => {
    const server = await serve();
    await writeFile(server.knownHosts, `# old\n@revoked * ${server.hostKey}\n`);
    const target = { ...server.target, hostKey: server.hostKey };
    await expect(connect(target, server.options)).rejects.toMatchObject({
      reason: 'host-key-revoked',
      message: expect.stringContaining(`${server.knownHosts}:2 marks as revoked`),
    });
    expect(server.log.connections).toBe(0);
    await writeFile(server.knownHosts, `@revoked elsewhere ${server.hostKey}\n`);
    await logIn(target, server.options);
  });

  test('another than the pinned one, though known_hosts has it', async () => {
    const server = await serve();
    const target = { ...server.target, hostKey: makeKey('ed25519').public };
    await expect(connect(target, server.options)).rejects.toMatchObject({ reason: 'host-key-changed' });
    expect(server.log.tries).toEqual([]);
  });

  test('a pin that is no key costs no connection', async () => {
    const server = await serve();
    const target = { ...server.target, hostKey: 'ssh-ed25519 AAAA' };
    await expect(connect(target, server.options)).rejects.toMatchObject({ reason: 'host-key-unknown' });
    expect(server.log.connections).toBe(0);
  });
});

describe('logging in', () => {
  test('a rejected key is tried once and named', async () => {
    const server = await serve({ refuse: Number.POSITIVE_INFINITY });
    await expect(connect(server.target, server.options)).rejects.toMatchObject({
      reason: 'login-rejected',
      message: expect.stringMatching(/did not accept user root with .*\/id, SHA256:/),
    });
    expect(server.log.tries).toEqual(['publickey root']);
    expect(server.log.connections).toBe(1);
  });

  test('an encrypted key with its passphrase, and without', async () => {
    const server = await serve();
    await writeFile(server.target.identityFile!, makeKey('ed25519', 'open sesame').private);
    await logIn(server.target, { ...server.options, passphrase: async () => 'open sesame' });
    for (const [passphrase, says] of [
      [undefined, /protected by a passphrase/],
      [async () => 'wrong', /passphrase for .* is wrong/],
    ] as const) {
      await expect(connect(server.target, { ...server.options, passphrase })).rejects.toMatchObject({
        reason: 'key-unusable',
        message: expect.stringMatching(says),
      });
    }
    expect(server.log.connections).toBe(1);
  });

  test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['missing', (file) => rm(file), /does not exist/],
    ['readable by others', (file) => chmod(file, 0o644), /mode 0644.*chmod 600/],
    ['not a key', (file) => writeFile(file, 'hello'), /is not a private key/],
  ])('a key that is %s costs no connection', async (_name, spoil, says) => {
    const server = await serve();
    await spoil(server.target.identityFile!);
    await expect(connect(server.target, server.options)).rejects.toMatchObject({
      reason: 'key-unusable',
      message: expect.stringMatching(says),
    });
    expect(server.log.connections).toBe(0);
  });
});

/** Lets everything through and notes what it was asked. */
const gate = (told: string[], admit: () => void = () => {}): Gate => ({
  async admit(way, { hop }) {
    told.push(`${way} ${hop ?? 'target'}`);
    admit();
  },
  async unanswered(way) {
    told.push(`unanswered ${way}`);
    return '';
  },
});

describe('a gate', () => {
  test('that an interruption opens lets nobody through', async () => {
    const server = await serve();
    const abort = new AbortController();
    const told: string[] = [];
    const options = { ...server.options, signal: abort.signal, gate: gate(told, () => abort.abort()) };
    await expect(connect(server.target, options)).rejects.toMatchObject({ reason: 'interrupted' });
    expect(server.log.connections).toBe(0);
    expect(told).toHaveLength(1);
  });

  // one that nobody answers takes a host that drops packets: test/hosts/pace.test.ts
  test('is told nothing of a refusal, which is an answer', async () => {
    const server = await serve();
    const told: string[] = [];
    const closed = { ...server.target, port: 1, hostKey: server.hostKey };
    const options = { ...server.options, gate: gate(told) };
    await expect(connect(closed, options)).rejects.toMatchObject({ reason: 'refused' });
    expect(told).toEqual(['127.0.0.1 1 target']);
  });
});

describe('jump hosts', () => {
  test('two connections deep, each key verified', async () => {
    const bastion = await serve({ forward: true });
    const server = await serve();
    const [transport, counts] = await through(bastion, server);
    expect((await transport.run('echo "$1"')).stdout.toString()).toBe('127.0.0.9\n');
    expect(counts()).toEqual([1, 1]);
  });

  test('a gate is asked before each connection, by the way it goes', async () => {
    const bastion = await serve({ forward: true });
    const server = await serve();
    const told: string[] = [];
    await through(bastion, server, { gate: gate(told) });
    const first = `127.0.0.1 ${bastion.port}`;
    expect(told).toEqual([`${first} 127.0.0.1`, `${first}, 127.0.0.1 ${server.port} target`]);
  });

  test('one that does not forward says what it needs', async () => {
    const bastion = await serve();
    const server = await serve();
    await expect(through(bastion, server)).rejects.toMatchObject({
      reason: 'refused',
      host: 'web1',
      message: expect.stringContaining('AllowTcpForwarding'),
    });
  });

  test('an unknown key of the jump host', async () => {
    const bastion = await serve({ forward: true });
    const server = await serve();
    await writeFile(bastion.knownHosts, '');
    await expect(through(bastion, server)).rejects.toMatchObject({
      reason: 'host-key-unknown',
      // the inventory pins only the key of the host behind it
      message: expect.stringMatching(
        /^(?!.*host_key).*jump host 127.0.0.1 \(127.0.0.1:\d+\) on the way to web1/,
      ),
    });
    expect(server.log.connections).toBe(0);
  });

  async function through(
    bastion: Awaited<ReturnType<typeof serve>>,
    server: Awaited<ReturnType<typeof serve>>,
    more: SshOptions = {},
  ) {
    // The jump host's key comes from the configuration, as with ssh.
    const ssh = join(server.dir, 'ssh');
    await writeFile(
      ssh,
      `#!/bin/sh\necho hostname 127.0.0.1\ncase "$*" in\n*-J*) echo proxyjump root@127.0.0.1:${bastion.port};;\n*) echo identityfile ${bastion.target.identityFile};;\nesac\n`,
      { mode: 0o755 },
    );
    const options = {
      ...server.options,
      sshBinary: ssh,
      knownHostsFiles: [bastion.knownHosts, server.knownHosts],
      ...more,
    };
    const transport = await logIn({ ...server.target, jump: 'bastion' }, options);
    return [transport, () => [bastion.log.connections, server.log.connections]] as const;
  }
});

describe('becoming root', () => {
  // Behaves as sudo does; the real one is tried on real hosts.
  const sudo = `#!/bin/sh
log() { echo "$1" >> "$SUDO_LOG"; }
if [ "$1" = -n ]; then
  shift
  [ "$SUDO_MODE" = free ] && exec "$@"
  echo 'sudo: a password is required' >&2; exit 1
fi
prompt=$3; shift 3
[ "$SUDO_MODE" = free ] && exec "$@"
for try in 1 2 3; do
  printf %s "$prompt" >&2
  IFS= read -r word || { log eof; echo 'sudo: no password was provided' >&2; exit 1; }
  if [ "$word" = "right one" ]; then
    [ "$SUDO_MODE" = forbidden ] && { echo 'bob is not in the sudoers file.' >&2; exit 1; }
    exec "$@"
  fi
  log wrong
  echo 'Sorry, try again.' >&2
done
exit 1
`;

  async function host(mode: string) {
    const server = await startServer({
      env: { SUDO_MODE: mode },
      onExec: (channel, command, connection) => runner(channel, command, connection),
    });
    cleanup.push(server.stop);
    const bin = join(server.dir, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'sudo'), sudo, { mode: 0o755 });
    const log = join(server.dir, 'sudo.log');
    await writeFile(log, '');
    const runner = runCommand({ SUDO_MODE: mode, SUDO_LOG: log, PATH: `${bin}:${process.env.PATH}` });
    return {
      ...server,
      target: { ...server.target, user: 'bob' },
      attempts: async () => (await readFile(log, 'utf8')).split('\n').filter(Boolean),
    };
  }

  test('without a password', async () => {
    const server = await host('free');
    const transport = await logIn(server.target, server.options);
    expect((await transport.run('echo "$1"; exit 4')).code).toBe(4);
    expect(server.log.commands[0]).toMatch(/^env LC_ALL=C sudo -n sh -c /);
  });

  test('not at all if the inventory says so', async () => {
    const server = await host('asks');
    const transport = await logIn({ ...server.target, become: false }, server.options);
    expect((await transport.run('exit 4')).code).toBe(4);
    expect(server.log.commands[0]).not.toContain('sudo');
  });

  test('with a password, asked once, never in a command, learned for later', async () => {
    const server = await host('asks');
    let asked = 0;
    const transport = await logIn(server.target, {
      ...server.options,
      becomePassword: async () => {
        asked++;
        return 'right one';
      },
    });
    const outputs = await Promise.all([transport.run('cat; echo 1'), transport.run('echo 2')]);
    expect(outputs.map(({ stdout }) => stdout.toString())).toEqual(['1\n', '2\n']);
    expect(outputs.map(({ stderr }) => stderr.toString())).toEqual(['', '']);
    await transport.run('exit 0');
    expect(asked).toBe(1);
    expect(transport.counts.execs).toBe(4);
    expect(server.log.commands.join()).not.toContain('right one');
    expect(await server.attempts()).toEqual([]);
  });

  test('with a password at hand: one command, and it is sent only where it is asked for', async () => {
    const asks = await host('asks');
    const transport = await logIn(asks.target, { ...asks.options, becomePassword: 'right one' });
    expect((await transport.run('cat; exit 4')).code).toBe(4);
    expect(transport.counts.execs).toBe(1);
    const free = await host('free');
    const other = await logIn(free.target, { ...free.options, becomePassword: 'right one' });
    // what a sudo without questions leaves on standard input would be seen by the script's own `cat`
    expect((await other.run('cat; echo 1')).stdout.toString()).toBe('1\n');
    expect(other.counts.execs).toBe(1);
    expect(free.log.commands.join()).not.toContain('right one');
  });

  test('a wrong password at hand', async () => {
    const server = await host('asks');
    const transport = await logIn(server.target, { ...server.options, becomePassword: 'wrong one' });
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'sudo-password-wrong' });
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'sudo-password-wrong' });
    expect((await server.attempts()).filter((one) => one === 'wrong')).toHaveLength(1);
  });

  test('none given', async () => {
    const server = await host('asks');
    const transport = await logIn(server.target, server.options);
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'sudo-password-needed' });
  });

  test('a wrong one is sent once, whatever runs', async () => {
    const server = await host('asks');
    const transport = await logIn(server.target, {
      ...server.options,
      becomePassword: async () => 'wrong one',
    });
    const runs = await Promise.allSettled([transport.run('x'), transport.run('y')]);
    for (const run of runs) {
      expect(run).toMatchObject({ reason: { reason: 'sudo-password-wrong' } });
      expect(String((run as PromiseRejectedResult).reason)).not.toContain('wrong one');
    }
    await expect(transport.run('z')).rejects.toMatchObject({ reason: 'sudo-password-wrong' });
    expect((await server.attempts()).filter((one) => one === 'wrong')).toHaveLength(1);
  });

  test('a right one of somebody who may not', async () => {
    const server = await host('forbidden');
    const transport = await logIn(server.target, {
      ...server.options,
      becomePassword: async () => 'right one',
    });
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'sudo-forbidden' });
  });

  test('a password that is two lines is not sent', async () => {
    const server = await host('asks');
    const transport = await logIn(server.target, { ...server.options, becomePassword: async () => 'a\nid' });
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'sudo-password-wrong' });
    expect(await server.attempts()).toEqual([]);
  });

  test('no sudo', async () => {
    const server = await serve({
      onExec: (channel) => {
        channel.resume();
        channel.stderr.write("env: 'sudo': No such file or directory\n");
        channel.exit(127);
        channel.end();
      },
    });
    const transport = await logIn({ ...server.target, user: 'bob' }, server.options);
    await expect(transport.run('x')).rejects.toMatchObject({ reason: 'sudo-missing' });
  });
});

test('is asked to end over its own channel, where nothing else has to be opened', async () => {
  const server = await serve();
  const transport = await logIn(server.target, server.options);
  const control = new AbortController();
  const listening = script(raw('echo at work; read -r word <&7; echo "$word"'), { listens: true });
  const run = (onStdout: () => void) => transport.run(listening, { stop: control.signal, onStdout });
  expect((await run(() => control.abort())).stdout.toString()).toBe('at work\nstop\n');
  // one that begins later is asked, too; one that does not wait for a word is not kept
  expect((await run(() => {})).stdout.toString()).toBe('at work\nstop\n');
  expect((await transport.run('exit 3\n', { stop: new AbortController().signal })).code).toBe(3);
});
