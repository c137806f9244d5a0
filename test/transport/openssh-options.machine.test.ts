import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  canBeTold,
  hopScript,
  masterArguments,
  PINNED,
  type SshPlan,
  sessionArguments,
} from '../../src/transport/openssh-options.ts';
import type { Waypoint } from '../../src/transport/route.ts';
import { settings } from './settings.ts';
import { hop, web1 } from './ssh-logs.ts';

const folder = mkdtempSync(join(tmpdir(), 'options-'));
const plan = (more: Partial<SshPlan> = {}): SshPlan => ({
  target: { name: 'web1', connection: 'openssh', address: 'web1', become: true },
  route: [web1],
  folder,
  ssh: 'ssh',
  seconds: 10,
  terminal: false,
  acceptNew: false,
  env: {},
  ...more,
});
const to = (host: string, port = 22): Waypoint => ({ ...web1, settings: { ...settings, host, port } });

/** A configuration of the user's that would do all that must not happen. */
const hostile = `Host *
  ForwardAgent yes
  ForwardX11 yes
  LocalForward 1234 x:1
  LocalCommand touch /t/local
  RemoteCommand touch /t/remote
  RequestTTY force
  ControlPersist yes
  ControlMaster auto
  ControlPath /t/shared
  PasswordAuthentication yes
  KbdInteractiveAuthentication yes
  StrictHostKeyChecking no
  UpdateHostKeys yes
  UserKnownHostsFile /t/known
  HostKeyAlias other
  VerifyHostKeyDNS yes
  ProxyJump elsewhere
  BatchMode no
`;

/** What the ssh of this machine makes of arguments. */
beforeAll(() => writeFileSync(join(folder, 'config'), hostile));
afterAll(() => rmSync(folder, { recursive: true }));
function understood(words: readonly string[]): Map<string, string> {
  const said = execFileSync('ssh', ['-F', join(folder, 'config'), '-G', ...words]).toString();
  return new Map(
    said
      .trim()
      .split('\n')
      .map((row) => /^(\S+) ?(.*)$/.exec(row)?.slice(1, 3) as [string, string]),
  );
}
/** The words of a script that only calls ssh. */
const wordsOf = (script: string) =>
  execFileSync('sh', ['-c', `set -- ${script.replace(/^exec /, '').trim()}\nprintf '%s\\0' "$@"`])
    .toString()
    .split('\0')
    .slice(0, -1);

describe('what ssh is told wins over the configuration', () => {
  const never = {
    forwardagent: 'no',
    forwardx11: 'no',
    requesttty: 'false',
    controlpersist: 'no',
    passwordauthentication: 'no',
    kbdinteractiveauthentication: 'no',
    updatehostkeys: 'false',
    clearallforwardings: 'yes',
    connecttimeout: '10',
    serveraliveinterval: '5',
  };
  const route = [hop('bastion'), web1];
  const pinned = { ...plan().target, hostKey: 'ssh-ed25519 AAAA' };
  test.each<[string, SshPlan, Readonly<Record<string, string | undefined>>]>([
    ['as ever', plan(), { batchmode: 'yes', stricthostkeychecking: 'true', userknownhostsfile: '/t/known' }],
    ['at a terminal', plan({ terminal: true }), { batchmode: 'no', passwordauthentication: 'no' }],
    [
      'new keys, where a file takes them',
      plan({ acceptNew: true, knownHostsFiles: ['/t/a b', '/t/50%h'] }),
      { stricthostkeychecking: 'accept-new', hashknownhosts: 'yes', globalknownhostsfile: '/dev/null' },
    ],
    ['new keys, where none does', plan({ acceptNew: true }), { stricthostkeychecking: 'true' }],
    [
      'a pinned key, whatever is accepted besides',
      plan({ target: pinned, acceptNew: true, knownHostsFiles: ['/t/other'] }),
      {
        stricthostkeychecking: 'true',
        hostkeyalias: PINNED,
        userknownhostsfile: join(folder, 'known_hosts'),
        globalknownhostsfile: '/dev/null',
        verifyhostkeydns: 'false',
      },
    ],
    [
      'past a jump host',
      plan({ route }),
      { proxycommand: `sh '${folder}/hop0'`, proxyjump: undefined, controlpath: join(folder, 's') },
    ],
    [
      'the key of the inventory, and no other',
      plan({ target: { ...plan().target, identityFile: '/k/my %h key' } }),
      { identitiesonly: 'yes' },
    ],
  ])('%s', (_name, one, expected) => {
    const said = understood(masterArguments(one));
    expect(Object.fromEntries(Object.keys(never).map((key) => [key, said.get(key)]))).toEqual(never);
    expect(said.get('controlpath')).toBe(join(folder, 's'));
    expect(said.get('localcommand')).toBe('echo ready');
    expect(said.get('permitlocalcommand')).toBe('yes');
    expect(said.get('remotecommand') ?? 'none').toBe('none');
    for (const [key, value] of Object.entries(expected)) expect(said.get(key), key).toBe(value);
  });

  test('a jump host runs no command of anybody, and shares no connection', () => {
    const [, ...words] = wordsOf(hopScript(plan({ route }), 0));
    const said = understood(words);
    expect(said.get('permitlocalcommand')).toBe('no');
    expect(said.get('remotecommand') ?? 'none').toBe('none');
    expect(said.get('controlpath') ?? 'none').toBe('none');
    expect(said.get('forwardagent')).toBe('no');
    expect(said.get('batchmode')).toBe('yes');
  });

  test('the pin is for the target: a jump host is known as ever', () => {
    const [, ...words] = wordsOf(hopScript(plan({ route, target: pinned }), 0));
    expect(understood(words).get('hostkeyalias')).toBe('other');
    expect(understood(words).get('userknownhostsfile')).toBe('/t/known');
  });

  test('a session never logs in by itself', () => {
    const said = understood([...sessionArguments('/t/50%h'), '--', 'host']);
    expect(said.get('proxycommand')).toBe('false');
    expect(said.get('batchmode')).toBe('yes');
    expect(said.get('controlmaster')).toBe('false');
    expect(sessionArguments('/t/50%h')).toContain('/t/50%%h/s');
  });
});

describe('a known_hosts file', () => {
  test.each([
    '/t/a b',
    '/t/a  b',
    '/t/50%h',
    '/t/%%',
    "/t/it's",
    '/t/a\\b',
    '/t/$x',
    '/t/$x{y}',
    '/t/a#b',
    '/t/a=b',
    '/t/~',
  ])('%s is read, and no other', (path) => {
    expect(canBeTold(path)).toBe(true);
    expect(
      understood(masterArguments(plan({ knownHostsFiles: [path, '/t/other'] }))).get('userknownhostsfile'),
    ).toBe(`${path} /t/other`);
  });

  test.each(['/t/"', '/t/${HOME}', '/t/${', '/t/a\\\\b', "/t/a\\'b", '/t/a\\', '/t/a\nb'])(
    '%s cannot be told',
    (path) => expect(canBeTold(path)).toBe(false),
  );
});

describe('the way on from a jump host', () => {
  test.each([
    ['203.0.113.10', 22, '203.0.113.10:22'],
    ['2001:db8::1', 2222, '[2001:db8::1]:2222'],
    ['web 1', 22, 'web 1:22'],
    ["$(touch x);'`y`", 22, "$(touch x);'`y`:22"],
    ['-oProxyCommand=touch x', 22, '-oProxyCommand=touch x:22'],
  ])('%s port %i is one word', (host, port, word) => {
    const words = wordsOf(hopScript(plan({ route: [hop('bastion'), to(host, port)], ssh: '/a b/ssh' }), 0));
    expect(words[0]).toBe('/a b/ssh');
    expect(words[words.indexOf('-W') + 1]).toBe(word);
    expect(words.slice(-2)).toEqual(['--', 'bastion']);
  });
});

test.each([
  [{ address: 'web1' }, ['--', 'web1']],
  [{ address: 'web1', port: 2222 }, ['-p', '2222', '--', 'web1']],
  [{ address: 'web1', user: 'a b' }, ['-l', 'a b', '--', 'web1']],
  [{ address: '[2001:db8::1]', port: 22, user: 'u' }, ['-p', '22', '-l', 'u', '--', '2001:db8::1']],
  [{ address: '-oProxyCommand=x' }, ['--', '-oProxyCommand=x']],
])('asked for %j', (asked, words) =>
  expect(masterArguments(plan({ route: [{ ...web1, asked }] })).slice(-words.length)).toEqual(words),
);
