import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandPath, parseJumps, parseSettings, resolveSettings } from '../../src/transport/ssh-config.ts';

const printed = `host web1
user deploy
hostname 203.0.113.10
port 2222
identitiesonly yes
stricthostkeychecking ask
identityagent $OTHER_SOCK
identityfile /keys/with blank/id
identityfile ~/.ssh/%h_%r
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile /home/me/.ssh/known_hosts
hostkeyalias web
proxyjump bastion
`;

test('what ssh -G prints', () => {
  expect(parseSettings(printed, 'web1', { OTHER_SOCK: '/run/agent' })).toEqual({
    host: '203.0.113.10',
    port: 2222,
    user: 'deploy',
    identityFiles: ['/keys/with blank/id', `${homedir()}/.ssh/203.0.113.10_deploy`],
    identitiesOnly: true,
    agent: '/run/agent',
    knownHostsFiles: ['/home/me/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    newKeysFile: '/home/me/.ssh/known_hosts',
    hostKeyAlias: 'web',
    proxyJump: 'bastion',
    proxyCommand: undefined,
    certificateFiles: [],
    sshOnly: [],
    fromSsh: true,
  });
});

test.each([
  ['', undefined],
  ['identityagent none', undefined],
  ['identityagent SSH_AUTH_SOCK', '/run/mine'],
  ['identityagent ~/agent', `${homedir()}/agent`],
  ['identityagent ${XDG}/agent', '/run/user/1/agent'],
])('agent: %j is %j', (text, socket) => {
  const env = { XDG: '/run/user/1', ...(text === '' ? {} : { SSH_AUTH_SOCK: '/run/mine' }) };
  expect(parseSettings(text, 'h', env).agent).toBe(socket);
});

test.each([
  ['bindaddress 192.0.2.7', ['bindaddress']],
  ['bindinterface eth1', ['bindinterface']],
  ['pkcs11provider none', []],
])('what only ssh carries out: %j', (text, sshOnly) => {
  expect(parseSettings(text, 'h', {}).sshOnly).toEqual(sshOnly);
});

test.each([
  ['pubkeyauthentication true', undefined],
  ['pubkeyauthentication false', 'PubkeyAuthentication no'],
  ['pubkeyauthentication no', 'PubkeyAuthentication no'],
  ['preferredauthentications password,publickey', undefined],
  [
    'preferredauthentications password,keyboard-interactive',
    'PreferredAuthentications password,keyboard-interactive',
  ],
])('what keeps ssh from offering a key: %j', (text, setting) => {
  expect(parseSettings(text, 'h', {}).withoutKeys).toBe(setting);
});

test('none means none', () => {
  const text =
    'userknownhostsfile none\nproxycommand none\nproxyjump none\nhostkeyalias none\nidentityfile none';
  expect(parseSettings(text, 'h', {})).toMatchObject({
    knownHostsFiles: [],
    identityFiles: [],
    proxyCommand: undefined,
    proxyJump: undefined,
    hostKeyAlias: undefined,
  });
});

test('a known_hosts file with a blank in its path is one file', () => {
  const text = 'userknownhostsfile ~/my keys/%h ~/.ssh/known_hosts\nglobalknownhostsfile /dev/null';
  const mine = `${homedir()}/my keys/web1`;
  expect(parseSettings(text, 'web1', {}, (path) => path === mine)).toMatchObject({
    knownHostsFiles: [mine, `${homedir()}/.ssh/known_hosts`, '/dev/null'],
    newKeysFile: mine,
  });
});

test('what ssh has expanded is not expanded again', () => {
  const text = 'userknownhostsfile /k/50%h /k/%h';
  expect(parseSettings(text, 'web1', {}, (path) => path === '/k/50%h').knownHostsFiles).toEqual([
    '/k/50%h',
    '/k/web1',
  ]);
});

test.each([
  ['bastion', [{ address: 'bastion' }]],
  ['me@b:2222,c', [{ address: 'b', user: 'me', port: 2222 }, { address: 'c' }]],
  ['ssh://me@b:22/', [{ address: 'b', user: 'me', port: 22 }]],
  ['[2001:db8::1]:22', [{ address: '2001:db8::1', port: 22 }]],
  ['me@2001:db8::1', [{ address: '2001:db8::1', user: 'me' }]],
])('jump hosts of %s', (text, hops) => {
  expect(parseJumps(text)).toEqual(hops);
});

test('unknown tokens stay as they are', () => {
  const at = { name: 'n', host: 'h', port: 1, user: 'u' };
  expect(expandPath('%% %n %h %p %r %Z ${A} ${B} ~', at, { A: 'a' })).toBe('% n h 1 u %Z a ${B} ~');
  expect(expandPath('~/x', at, {})).toBe(`${homedir()}/x`);
});

describe('asking ssh', () => {
  let dir: string;
  let fake: string;
  const where = { name: 'web1', address: 'web1' };
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ssh config '));
    fake = join(dir, 'ssh');
    // Prints its arguments as a setting, one bracketed word each.
    await writeFile(fake, '#!/bin/sh\nprintf "hostname h\\nhostkeyalias "\nprintf "[%s]" "$@"\necho\n');
    await chmod(fake, 0o755);
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('the inventory wins, every value is one argument', async () => {
    const settings = await resolveSettings(
      'web1',
      { port: 2222, user: "o'brien$(id)", jump: 'b,c' },
      { env: process.env, sshBinary: fake },
      where,
    );
    expect(settings.hostKeyAlias).toBe("[-G][-p][2222][-l][o'brien$(id)][-J][b,c][--][web1]");
    expect(settings).toMatchObject({ host: 'h', port: 2222, user: "o'brien$(id)" });
  });

  test('without ssh, the defaults', async () => {
    const surroundings = { env: {}, sshBinary: join(dir, 'missing') };
    expect(await resolveSettings('me@web1', {}, surroundings, where)).toMatchObject({
      host: 'web1',
      user: 'me',
      port: 22,
      knownHostsFiles: expect.arrayContaining([`${homedir()}/.ssh/known_hosts`]),
    });
    expect((await resolveSettings('web1', {}, surroundings, where)).user).toBe(userInfo().username);
  });

  test('a broken configuration is said', async () => {
    const broken = join(dir, 'broken');
    await writeFile(broken, '#!/bin/sh\necho "line 3: Bad configuration option: frob." >&2; exit 255\n');
    await chmod(broken, 0o755);
    await expect(resolveSettings('web1', {}, { env: {}, sshBinary: broken }, where)).rejects.toMatchObject({
      reason: 'unresolved',
      message: expect.stringContaining('line 3: Bad configuration option: frob. Correct'),
    });
  });

  test.each(['-oProxyCommand=id', '', 'a b', 'a\nb', 'a\u0000'])('%j is no address', async (address) => {
    await expect(resolveSettings(address, {}, { env: {}, sshBinary: fake }, where)).rejects.toMatchObject({
      reason: 'unresolved',
    });
  });

  test('nor is -F a user', async () => {
    await expect(
      resolveSettings('web1', { user: '-F/etc/x' }, { env: {}, sshBinary: fake }, where),
    ).rejects.toMatchObject({ reason: 'unresolved' });
  });
});
