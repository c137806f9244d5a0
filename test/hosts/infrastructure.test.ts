import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { harden } from '../cli/harden.ts';
import { cgroupAccess } from './container.ts';
import { type Attacker, login, startAttacker, startHost, type TestHost } from './host.ts';

let host: TestHost;
let attacker: Attacker;

beforeAll(async () => {
  [host, attacker] = await Promise.all([startHost(), startAttacker()]);
});
afterAll(async () => {
  await Promise.all([host?.stop(), attacker?.stop()]);
});

const ssh = (user: string, command: string, input = '') => login(host, command, { user, input });

describe('a host', () => {
  test('lets in over SSH and counts it', async () => {
    const before = [await host.connections(), await host.accepted(), await host.sudoCommands()];
    expect((await ssh('admin', 'sudo -n id -u')).stdout).toBe('0\n');
    const after = [await host.connections(), await host.accepted(), await host.sudoCommands()];
    expect(after).toEqual(before.map((count) => count + 1));
  });

  test('has one user for each way to become root', async () => {
    expect((await ssh('operator', 'sudo -n true')).code).toBe(1);
    expect((await ssh('operator', "sudo -S -p '' id -u", 'operator\n')).stdout).toBe('0\n');
    expect((await ssh('nosudo', 'sudo -n true')).code).toBe(1);
    expect((await ssh('nosudo', 'id -un')).stdout).toBe('nosudo\n');
  });

  test('has a key of its own and the files of James', async () => {
    const other = await startHost({ james: false });
    expect(other.hostKey).toMatch(/^ssh-ed25519 /);
    expect(other.hostKey).not.toBe(host.hostKey);
    expect((await other.exec('test -e /opt/james')).code).toBe(1);
    expect((await host.exec("stat -c '%U:%G %a' /opt/james/conf/log4j2.xml")).stdout).toBe(
      'james:james 600\n',
    );
    expect((await host.exec('id -un', { user: 'james' })).stdout).toBe('james\n');
    await other.stop();
  });

  test('has no fail2ban, and apt can fetch it', async () => {
    expect((await host.exec('command -v fail2ban-client python3')).code).not.toBe(0);
    const { code, stderr } = await host.exec(
      'apt-get update -qq && apt-get install -qq --download-only fail2ban',
    );
    expect(code, stderr).toBe(0);
  });

  test('comes back after a restart with its files and the same key', async () => {
    await host.exec('echo kept > /etc/kept; echo lost > /run/lost');
    await host.cutPower();
    expect((await host.exec('cat /etc/kept; cat /run/lost')).stdout).toBe('kept\n');
    expect((await host.exec('cat /etc/ssh/ssh_host_ed25519_key.pub')).stdout.trim()).toBe(host.hostKey);
    expect((await ssh('admin', 'true')).code).toBe(0);
    expect(await host.diff()).toContain('/etc/kept');
  });

  test('is described by an inventory', () => {
    const { hosts, vars, playbook } = parse(
      host.inventory({ vars: { trusted: ['192.0.2.1'] }, entry: { user: 'operator' } }),
    );
    expect(hosts).toEqual({
      [host.name]: {
        address: host.ip,
        user: 'operator',
        identity_file: host.keyFile,
        host_key: host.hostKey,
      },
    });
    expect(vars).toEqual({ ssh_hitcount: 255, trusted: ['192.0.2.1'] });
    expect(playbook).toMatch(/^\/.*\/playbooks\/james-fail2ban\.yaml$/);
  });
});

describe('an attacker', () => {
  test('tells open, refused and dropped apart, and the kernel counts its tries', async () => {
    expect(await attacker.connect(host.ip, 22)).toBe('open');
    expect(await attacker.connect(host.ip, 2525)).toBe('refused');
    expect(await attacker.ping(host.ip)).toBe(true);
    const { code, stderr } = await host.exec(`
      iptables -A INPUT -p icmp -j DROP
      iptables -A INPUT -p tcp --dport 2525 --syn -m recent --name TRY --set
      iptables -A INPUT -p tcp --dport 2525 --syn -m recent --name TRY --update --seconds 60 --hitcount 3 -j DROP`);
    expect(code, stderr).toBe(0);
    const tries = [];
    for (let attempt = 0; attempt < 4; attempt++) tries.push(await attacker.connect(host.ip, 2525));
    expect(tries).toEqual(['refused', 'refused', 'dropped', 'dropped']);
    expect(await attacker.ping(host.ip)).toBe(false);
    expect((await host.exec('cat /proc/net/xt_recent/TRY')).stdout).toContain(`src=${attacker.ip} `);
    await host.exec('iptables -F INPUT');
  });
});

test('the built command line answers', async () => {
  const { code, stdout } = await harden(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('harden');
});

test.each([
  [
    { version: '20.10.24+dfsg1', cgroup: 1, folder: '/' },
    { namespace: 'host', bind: 'ro' },
  ],
  [
    { version: '20.10.24+dfsg1', cgroup: 2, folder: '/' },
    { namespace: 'host', bind: 'rw' },
  ],
  [
    { version: '28.2.2', cgroup: 2, folder: '/' },
    { namespace: 'private', security: 'writable-cgroups=true' },
  ],
] as const)('systemd gets at its control groups on %o', (engine, expected) => {
  expect(cgroupAccess(engine)).toEqual(expected);
});
