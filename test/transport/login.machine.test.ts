import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ParsedKey } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { authHandler, type Credential, embeddedPublicKey, planLogin } from '../../src/transport/login.ts';
import type { SshSettings } from '../../src/transport/ssh-config.ts';
import { makeKey } from './server.ts';
import { settings } from './settings.ts';

let dir: string;
let agent: Server | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'login-'));
});
afterEach(async () => {
  agent?.close();
  agent = undefined;
  await rm(dir, { recursive: true });
});

async function keyFile(
  name: string,
  key = makeKey('ed25519'),
  half: 'both' | 'private' | 'public' = 'private',
) {
  const file = join(dir, name);
  if (half !== 'public') await writeFile(file, key.private, { mode: 0o600 });
  if (half !== 'private') await writeFile(`${file}.pub`, `${key.public} ${name}\n`);
  return { file, key, blob: Buffer.from(key.public.split(' ')[1] ?? '', 'base64') };
}

/** An agent that holds these keys and speaks just enough of the protocol. */
async function startAgent(keys: { private: string }[]): Promise<string> {
  const path = join(dir, 'agent');
  agent = createServer((socket) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on('identities', (request) => {
      const parsed = keys.map((key) => ssh2.utils.parseKey(key.private) as ParsedKey);
      (protocol as unknown as { getIdentitiesReply(r: unknown, k: unknown): void }).getIdentitiesReply(
        request,
        parsed,
      );
    });
    socket.on('error', () => {});
    socket.pipe(protocol).pipe(socket);
  });
  agent.listen(path);
  await once(agent, 'listening');
  return path;
}

function plan(
  special: Partial<SshSettings>,
  more: { identityFile?: string; passphrase?: () => Promise<string> } = {},
) {
  return planLogin({
    settings: { ...settings, host: 'h', user: 'u', ...special },
    env: {},
    where: { name: 'web1', address: 'h', port: 22 },
    ...more,
  });
}

const labels = (credentials: readonly Credential[]) =>
  credentials.map((one) => `${one.auth('u').type} ${one.label}`);

describe('which keys are tried', () => {
  test('the one of the inventory, and no other', async () => {
    const mine = await keyFile('mine');
    const other = await keyFile('other');
    const socket = await startAgent([other.key]);
    const found = await plan({ identityFiles: [other.file], agent: socket }, { identityFile: mine.file });
    expect(labels(found)).toEqual([`publickey ${mine.file}`]);
  });

  test('files that exist before keys of the agent, two at most', async () => {
    const one = await keyFile('one');
    const [two, three] = [await keyFile('two'), await keyFile('three')];
    const agent = await startAgent([two.key, three.key]);
    const found = await plan({ identityFiles: [join(dir, 'missing'), one.file], agent });
    expect(found.map((each) => each.auth('u').type)).toEqual(['publickey', 'agent']);
    expect(found[0]?.label).toBe(one.file);
  });

  test("identitiesonly leaves the agent's other keys out", async () => {
    const one = await keyFile('one');
    const agent = await startAgent([makeKey('ed25519')]);
    expect(await plan({ identityFiles: [one.file], identitiesOnly: true, agent })).toHaveLength(1);
  });

  test('a key both in a file and in the agent is one try', async () => {
    const one = await keyFile('one');
    const agent = await startAgent([one.key]);
    expect(await plan({ identityFiles: [one.file], agent })).toHaveLength(1);
  });

  test.each([
    ['encrypted file', 'private'],
    ['public half only', 'public'],
  ] as const)('through the agent: %s', async (_name, half) => {
    const open = makeKey('ed25519');
    const agent = await startAgent([makeKey('ed25519'), open]);
    const mine = await keyFile('mine', open, 'public');
    if (half === 'private') await writeFile(mine.file, makeKey('ed25519', 'locked').private, { mode: 0o600 });
    const found = await plan({ agent }, { identityFile: mine.file });
    expect(found.map((each) => each.auth('u').type)).toEqual(['agent']);
    expect((await plan({ agent }, { identityFile: `${mine.file}.pub` }))[0]?.fingerprint).toBe(
      found[0]?.fingerprint,
    );
  });

  test('an encrypted default key asks only if nothing else can be tried', async () => {
    const locked = await keyFile('locked', makeKey('ed25519', 'sesame'));
    const open = await keyFile('open');
    let asked = 0;
    const passphrase = async () => {
      asked++;
      return 'sesame';
    };
    expect(labels(await plan({ identityFiles: [locked.file, open.file] }, { passphrase }))).toEqual([
      `publickey ${open.file}`,
    ]);
    expect(asked).toBe(0);
    expect(labels(await plan({ identityFiles: [locked.file] }, { passphrase }))).toEqual([
      `publickey ${locked.file}`,
    ]);
    expect(asked).toBe(1);
  });

  test.each([
    [undefined, 'no agent is running'],
    ['/nowhere/agent', 'the agent at /nowhere/agent does not answer'],
  ])('none at all, agent %s', async (agent, says) => {
    await expect(plan({ agent, identityFiles: [join(dir, 'missing')] })).rejects.toMatchObject({
      reason: 'key-unusable',
      message: expect.stringContaining(says),
    });
  });
});

test('the public half inside an encrypted key', async () => {
  const { key, file, blob } = await keyFile('locked', makeKey('ed25519', 'sesame'));
  expect(embeddedPublicKey(Buffer.from(key.private))).toEqual(blob);
  expect(embeddedPublicKey(Buffer.from('no key'))).toBeUndefined();
  expect(embeddedPublicKey(Buffer.from(key.private.slice(0, 60)))).toBeUndefined();
  expect(file).toContain('locked');
});

describe('the order on the wire', () => {
  const credential = (label: string): Credential => ({
    label,
    fingerprint: label,
    auth: (username) => ({ type: 'none', username }),
  });
  function ask(
    handler: ReturnType<typeof authHandler>,
    methods: 'publickey'[] | 'password'[] | null,
    partial: boolean | null,
  ) {
    let answer: unknown;
    handler(methods, partial, (auth) => {
      answer = auth;
    });
    return answer;
  }

  test('each key once, then the end', () => {
    const tried: Credential[] = [];
    const handler = authHandler('u', [credential('a'), credential('b')], tried);
    expect(ask(handler, null, null)).toEqual({ type: 'none', username: 'u' });
    expect(ask(handler, ['publickey'], false)).not.toBe(false);
    expect(ask(handler, ['publickey'], false)).toBe(false);
    expect(tried.map((one) => one.label)).toEqual(['a', 'b']);
  });

  test.each<[string, 'publickey'[] | 'password'[], boolean]>([
    ['the host takes no keys', ['password'], false],
    ['the host wants more than a key', ['publickey'], true],
  ])('no further key where %s', (_name, methods, partial) => {
    const tried: Credential[] = [];
    const handler = authHandler('u', [credential('a'), credential('b')], tried);
    ask(handler, null, null);
    expect(ask(handler, methods, partial)).toBe(false);
    expect(tried).toHaveLength(1);
  });
});
