import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needsOpenSsh } from '../../src/transport/needs-openssh.ts';
import type { Waypoint } from '../../src/transport/route.ts';
import type { SshSettings } from '../../src/transport/ssh-config.ts';
import type { Target } from '../../src/transport/transport.ts';
import { makeKey } from './server.ts';
import { settings as plain } from './settings.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const keygen = (...words: string[]) => execFileSync('ssh-keygen', ['-q', ...words]);
const hardware = 'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t me';
const key = makeKey('ed25519');
const [hostKey] = [makeKey('ed25519').public];
const agents: ReturnType<typeof spawn>[] = [];

async function agent(name: string, ...keys: string[]) {
  const child = spawn('ssh-agent', ['-D', '-a', at(name)], { stdio: ['ignore', 'pipe', 'ignore'] });
  agents.push(child);
  await once(child.stdout!, 'data');
  const env = { ...process.env, SSH_AUTH_SOCK: at(name) };
  for (const one of keys) execFileSync('ssh-add', ['-q', at(one)], { env });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'needs-'));
  for (const name of ['plain', 'certified', 'ca']) await writeFile(at(name), key.private, { mode: 0o600 });
  for (const name of ['plain', 'certified']) await writeFile(at(`${name}.pub`), `${key.public}\n`);
  keygen('-s', at('ca'), '-I', 'me', '-n', 'deploy', at('certified.pub'));
  await writeFile(at('alone'), makeKey('ed25519', 'sesame').private, { mode: 0o600 });
  await writeFile(at('token.pub'), `${hardware}\n`);
  await writeFile(at('junk'), '\0\x1b[2Jsk-ssh-ed25519@openssh.com x');
  await writeFile(at('junk.pub'), 'sk-\u202e not a key\n');
  await writeFile(at('by-key'), `203.0.113.10 ${hostKey}\n`);
  await writeFile(at('by-authority'), `@cert-authority *.10 ${hostKey}\n`);
  await writeFile(at('by-both'), `@cert-authority * ${hostKey}\n203.0.113.10 ${hostKey}\n`);
  await agent('empty-agent');
  await agent('plain-agent', 'plain');
  await agent('certified-agent', 'certified');
});
afterAll(async () => {
  for (const child of agents) child.kill();
  await rm(folder, { recursive: true });
});

interface Case {
  readonly target?: Partial<Target>;
  readonly settings?: () => Partial<SshSettings>;
  readonly hop?: () => Partial<SshSettings>;
}

function needed({ target = {}, settings = () => ({}), hop }: Case) {
  const where = { name: 'web1', address: '203.0.113.10', port: 22 };
  const asked = { address: 'web1' };
  const route: Waypoint[] = [
    ...(hop ? [{ where: { ...where, hop: 'bastion' }, asked, settings: { ...plain, ...hop() } }] : []),
    { where, asked, settings: { ...plain, ...settings() } },
  ];
  const whole: Target = { name: 'web1', connection: 'ssh', address: 'web1', become: true, ...target };
  return needsOpenSsh(whole, route, { env: { PATH: process.env.PATH } });
}

describe('the ssh of this machine is needed', () => {
  test.each<[string, boolean, Case]>([
    ['for nothing out of the ordinary: no', false, {}],
    ['where the inventory says so', true, { target: { connection: 'openssh' } }],
    ['for a ProxyCommand', true, { settings: () => ({ proxyCommand: 'nc %h %p' }) }],
    [
      'for a ProxyCommand of a jump host',
      true,
      { hop: () => ({ proxyCommand: 'nc %h %p' }), settings: () => ({}) },
    ],
    [
      'for one past a jump host, which has no say: no',
      false,
      { hop: () => ({}), settings: () => ({ proxyCommand: 'nc %h %p' }) },
    ],
    ['for what only ssh carries out', true, { settings: () => ({ sshOnly: ['revokedhostkeys'] }) }],
    ['for that at a jump host', true, { hop: () => ({ sshOnly: ['knownhostscommand'] }) }],
    ['for a host known by its key: no', false, { settings: () => ({ knownHostsFiles: [at('by-key')] }) }],
    [
      'for a host known by its authority alone',
      true,
      { settings: () => ({ knownHostsFiles: [at('by-authority')] }) },
    ],
    ['for one known by both', true, { settings: () => ({ knownHostsFiles: [at('by-both')] }) }],
    [
      'for one that is pinned: no',
      false,
      { target: { hostKey }, settings: () => ({ knownHostsFiles: [at('by-authority')] }) },
    ],
    [
      'for a jump host known by its authority, though the target is pinned',
      true,
      { target: { hostKey }, hop: () => ({ knownHostsFiles: [at('by-authority')] }) },
    ],
    ['for a key in a file: no', false, { settings: () => ({ identityFiles: [at('plain')] }) }],
    ['for one with a passphrase: no', false, { settings: () => ({ identityFiles: [at('alone')] }) }],
    ['for one beside its certificate', true, { settings: () => ({ identityFiles: [at('certified')] }) }],
    [
      'for a certificate of the configuration',
      true,
      { settings: () => ({ certificateFiles: [at('certified-cert.pub')] }) },
    ],
    [
      'for a certificate that is not there: no',
      false,
      { settings: () => ({ certificateFiles: [at('missing-cert.pub')] }) },
    ],
    ['for nothing but a key in hardware', true, { settings: () => ({ identityFiles: [at('token')] }) }],
    [
      'for that beside another: no',
      false,
      { settings: () => ({ identityFiles: [at('token'), at('plain')] }) },
    ],
    [
      'for the one that the inventory names, whatever else there is',
      true,
      {
        target: { identityFile: '/missing' },
        settings: () => ({ certificateFiles: [at('certified-cert.pub')] }),
      },
    ],
    ['for an agent without keys: no', false, { settings: () => ({ agent: at('empty-agent') }) }],
    ['for an agent that does not answer: no', false, { settings: () => ({ agent: at('missing') }) }],
    ['for an agent with a key: no', false, { settings: () => ({ agent: at('plain-agent') }) }],
    ['for an agent with a certificate', true, { settings: () => ({ agent: at('certified-agent') }) }],
    [
      'for that, where only files count: no',
      false,
      { settings: () => ({ agent: at('certified-agent'), identitiesOnly: true }) },
    ],
    [
      'for a key in hardware where the agent has another: no',
      false,
      { settings: () => ({ identityFiles: [at('token')], agent: at('plain-agent') }) },
    ],
    ['for files that are no keys: no', false, { settings: () => ({ identityFiles: [at('junk')] }) }],
    [
      'without an ssh there is none to use: no',
      false,
      { settings: () => ({ fromSsh: false, proxyCommand: 'nc' }) },
    ],
  ])('%s', async (_name, expected, one) => expect(await needed(one)).toBe(expected));

  test('and is not there, which is said before any connection', () =>
    expect(
      needed({ target: { connection: 'openssh' }, settings: () => ({ fromSsh: false }) }),
    ).rejects.toMatchObject({
      reason: 'unreachable',
      message: expect.stringMatching(/there is no ssh on this machine.*no connection was made/),
    }));
});
