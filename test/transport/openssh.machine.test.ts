import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { script } from '../../src/shell/frame.ts';
import { raw } from '../../src/shell/quote.ts';
import { connect } from '../../src/transport/connect.ts';
import type { SshOptions } from '../../src/transport/connection.ts';
import type { Target } from '../../src/transport/transport.ts';
import { type ServerOptions, startServer } from './server.ts';

type Server = Awaited<ReturnType<typeof startServer>>;

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function serve(options: ServerOptions) {
  const server = await startServer(options);
  cleanup.push(server.stop);
  return server;
}

/** Logged in by the ssh of this machine, without its configuration. */
async function logIn(server: Server, target: Partial<Target>, options: SshOptions = {}) {
  const sshBinary = join(server.dir, 'ssh');
  await writeFile(sshBinary, '#!/bin/sh\nexec ssh -F none "$@"\n');
  await chmod(sshBinary, 0o755);
  const transport = await connect(
    { ...server.target, connection: 'openssh', ...target },
    { ...server.options, ...options, sshBinary },
  );
  cleanup.push(() => transport.close());
  return transport;
}

test('a session that is refused says so, and one that is lost later is not taken for it', async () => {
  const server = await serve({
    refuseSessions: 1,
    onExec: (_channel, _command, connection) => connection.end(),
  });
  const transport = await logIn(server, { hostKey: server.hostKey });
  await expect(transport.run('exit 0')).rejects.toMatchObject({
    reason: 'refused',
    message: expect.stringMatching(/refused a further session on this connection .*script was not started/),
  });
  await expect(transport.run('exit 0')).rejects.toMatchObject({
    reason: 'lost',
    message: expect.stringMatching(/^The connection to web1 .* was lost .*whether it finished is not known/),
  });
  await expect(transport.run('exit 0')).rejects.toMatchObject({
    reason: 'lost',
    unsent: true,
    message: expect.stringMatching(/was lost .*The script was not started/),
  });
});

test('sessions at the same time: each ends as its own did', async () => {
  const transport = await logIn(await serve({ refuseSessions: 1 }), {});
  const ends = await Promise.allSettled([transport.run('exit 3'), transport.run('exit 3')]);
  const how = ends.map((end) => (end.status === 'fulfilled' ? end.value.code : end.reason.reason));
  expect(how.sort()).toEqual([3, 'refused']);
});

test('in folders of any name, by way of a jump host', async () => {
  const [server, hop] = [await serve({}), await serve({ forward: true })];
  const folder = await mkdtemp(join(tmpdir(), 'o-'));
  cleanup.push(() => rm(folder, { recursive: true }));
  const odd = join(folder, "a b%h'$x;#");
  await mkdir(odd);
  const known = await Promise.all([server, hop].map(({ knownHosts }) => readFile(knownHosts, 'utf8')));
  await writeFile(join(odd, 'known'), known.join(''));
  vi.stubEnv('TMPDIR', odd);
  cleanup.push(async () => vi.unstubAllEnvs());
  const transport = await logIn(
    server,
    { jump: `root@127.0.0.1:${hop.port}` },
    { knownHostsFiles: [join(odd, 'known')] },
  );
  expect(await transport.run('exit 3')).toMatchObject({ code: 3 });
});

test('in a temporary folder that ssh cannot be told of; a known_hosts file there is refused', async () => {
  const server = await serve({});
  const odd = join(await mkdtemp(join(tmpdir(), 'o-')), 'a"${HOME}\\');
  cleanup.push(() => rm(join(odd, '..'), { recursive: true }));
  await mkdir(odd);
  vi.stubEnv('TMPDIR', odd);
  cleanup.push(async () => vi.unstubAllEnvs());
  const transport = await logIn(server, { hostKey: server.hostKey });
  expect(await transport.run('exit 3')).toMatchObject({ code: 3 });
  const connections = server.log.connections;
  await expect(logIn(server, {}, { knownHostsFiles: [join(odd, 'known')] })).rejects.toMatchObject({
    reason: 'host-key-unknown',
    message: expect.stringMatching(/cannot be told of the known_hosts file .*no connection was made\.$/),
  });
  expect(server.log.connections).toBe(connections);
});

test('a pinned key that known_hosts marks as revoked costs no connection; one on file names the line', async () => {
  const server = await serve({});
  await writeFile(server.knownHosts, `# old\n@revoked * ${server.hostKey}\n`);
  const message = expect.stringContaining(`${server.knownHosts}:2 marks as revoked`);
  const refused = { reason: 'host-key-revoked', message };
  await expect(logIn(server, { hostKey: server.hostKey })).rejects.toMatchObject(refused);
  expect(server.log.connections).toBe(0);
  await expect(logIn(server, {})).rejects.toMatchObject(refused);
  expect(server.log.tries).toEqual([]);
});

test('is asked to end over its own channel, where nothing else has to be opened', async () => {
  const transport = await logIn(await serve({}), {});
  const control = new AbortController();
  const listening = script(raw('echo at work; read -r word <&7; echo "$word"'), { listens: true });
  const run = (onStdout: () => void) => transport.run(listening, { stop: control.signal, onStdout });
  expect((await run(() => control.abort())).stdout.toString()).toBe('at work\nstop\n');
  // one that begins later is asked, too; one that does not wait for a word is not kept
  expect((await run(() => {})).stdout.toString()).toBe('at work\nstop\n');
  expect((await transport.run('exit 3\n', { stop: new AbortController().signal })).code).toBe(3);
});
