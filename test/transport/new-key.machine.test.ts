import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../src/transport/connect.ts';
import type { SshOptions } from '../../src/transport/connection.ts';
import { knownOrNewKeys } from '../../src/transport/host-key.ts';
import { parseKnownHosts } from '../../src/transport/known-hosts.ts';
import { hashedName } from '../../src/transport/new-key.ts';
import type { Target } from '../../src/transport/transport.ts';
import { makeKey, type ServerOptions, startServer } from './server.ts';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** A server whose key no file knows, and what is said of it. */
async function unknown(options: ServerOptions = {}) {
  const server = await startServer(options);
  cleanup.push(server.stop);
  const file = join(server.dir, 'home', '.ssh', 'known_hosts');
  const said: string[] = [];
  const acceptNew = (sentence: string) => void said.push(sentence);
  return { ...server, file, said, options: { ...server.options, knownHostsFiles: [file], acceptNew } };
}

async function logIn(target: Target, options: SshOptions): Promise<void> {
  const transport = await connect(target, options);
  cleanup.push(() => transport.close());
}

async function filled(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test('a new key is written down, hashed, for its owner alone, and known from then on', async () => {
  const server = await unknown();
  await logIn(server.target, server.options);
  const text = await readFile(server.file, 'utf8');
  expect(text).toMatch(/^\|1\|[^ ]+ ssh-ed25519 [^ ]+\n$/);
  const found = execFileSync('ssh-keygen', ['-F', `[127.0.0.1]:${server.port}`, '-f', server.file]);
  expect(found.toString()).toContain(server.hostKey);
  expect([await mode(server.file), await mode(dirname(server.file))]).toEqual(['600', '700']);
  expect(server.said).toEqual([
    expect.stringMatching(
      /^web1 \(127.*\) was not known: its ssh-ed25519 key with fingerprint SHA256:\S{43} is now in /,
    ),
  ]);
  await logIn(server.target, { ...server.options, acceptNew: undefined });
  await logIn(server.target, server.options);
  expect(server.said).toHaveLength(1);
  expect(await readFile(server.file, 'utf8')).toBe(text);
});

test('several at the same time write it once, below a last line without an end', async () => {
  const server = await unknown();
  const before = `other ${makeKey('rsa').public}`;
  await filled(server.file, before);
  await Promise.all([1, 2, 3].map(() => logIn(server.target, server.options)));
  const lines = (await readFile(server.file, 'utf8')).split('\n');
  expect(lines).toEqual([before, expect.stringMatching(/^\|1\|/), '']);
});

test('two that show different keys for one name: the first is kept, the second is refused', async () => {
  const server = await unknown();
  const policy = knownOrNewKeys(
    [],
    { host: 'h', port: 22 },
    { name: 'h', address: 'h' },
    {
      file: server.file,
      known: async () => parseKnownHosts(await readFile(server.file, 'utf8').catch(() => ''), server.file),
      told: server.options.acceptNew,
    },
  );
  const keys = [1, 2].map(() => Buffer.from(makeKey('ed25519').public.split(' ')[1]!, 'base64'));
  expect(keys.map((key) => policy.refuse(key))).toEqual([undefined, undefined]);
  expect(await Promise.all(keys.map((key) => policy.keep?.(key)))).toEqual([
    undefined,
    expect.objectContaining({ reason: 'host-key-changed' }),
  ]);
});

test.each<[string, (key: string, port: number) => string, string]>([
  ['changed', (_key, port) => `[127.0.0.1]:${port} ${makeKey('ed25519').public}\n`, 'host-key-changed'],
  ['of another type', (_key, port) => `[127.0.0.1]:${port} ${makeKey('rsa').public}\n`, 'host-key-changed'],
  ['revoked', (key) => `@revoked * ${key}\n`, 'host-key-revoked'],
  [
    'revoked under its hashed name',
    (key, port) => `@revoked ${hashedName(`[127.0.0.1]:${port}`)} ${key}\n`,
    'host-key-revoked',
  ],
])('a key that is %s is refused all the same', async (_name, line, reason) => {
  const server = await unknown();
  const text = line(server.hostKey, server.port);
  await filled(server.file, text);
  await expect(connect(server.target, server.options)).rejects.toMatchObject({ reason });
  expect(server.log.tries).toEqual([]);
  expect(await readFile(server.file, 'utf8')).toBe(text);
});

test('one that differs from the pinned one, too', async () => {
  const server = await unknown();
  const target = { ...server.target, hostKey: makeKey('ed25519').public };
  await expect(connect(target, server.options)).rejects.toMatchObject({ reason: 'host-key-changed' });
  await expect(readFile(server.file)).rejects.toThrow('ENOENT');
});

test.each([
  ['is a folder', '.', /EISDIR/],
  ['keeps nothing', '/dev/null', /is not a file/],
])('no login is tried where the file %s', async (_name, file, why) => {
  const server = await unknown();
  const options = { ...server.options, knownHostsFiles: [file] };
  await expect(connect(server.target, options)).rejects.toMatchObject({
    reason: 'host-key-unknown',
    message: expect.stringMatching(why),
  });
  expect(server.log.tries).toEqual([]);
  expect(server.said).toEqual([]);
});

test('a login that is rejected afterwards leaves it written down, as ssh does', async () => {
  const server = await unknown({ refuse: Number.POSITIVE_INFINITY });
  await expect(connect(server.target, server.options)).rejects.toMatchObject({ reason: 'login-rejected' });
  expect(server.said).toHaveLength(1);
  expect(server.log.connections).toBe(1);
});

test.each(['ssh', 'openssh'] as const)(
  'where the configuration names no file that keeps it, --accept-new is not what %s advises',
  async (connection) => {
    const server = await unknown();
    const sshBinary = join(server.dir, 'ssh');
    await writeFile(
      sshBinary,
      '#!/bin/sh\nexec ssh -F none -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null "$@"\n',
      { mode: 0o755 },
    );
    const { knownHostsFiles: _, ...options } = server.options;
    const refused = connect({ ...server.target, connection }, { ...options, sshBinary });
    await expect(refused).rejects.toMatchObject({
      reason: 'host-key-unknown',
      message: expect.stringMatching(/is not known: .*then pin it as host_key: .*nowhere to record it\.$/),
    });
  },
);
