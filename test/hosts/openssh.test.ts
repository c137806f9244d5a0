import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { harden, started } from '../cli/harden.ts';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let mail: TestHost;
let outer: TestHost;
let folder: string;
const at = (name: string) => join(folder, name);
const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harden openssh-'));
  [mail, outer] = (await Promise.all([1, 2].map(() => startHost({ james: false })))) as [TestHost, TestHost];
  await mkdir(at('tmp'));
  for (const name of ['ca', 'user', 'other']) keygen('-t', 'ed25519', '-N', '', '-C', name, '-f', at(name));
  await mail.must(
    `useradd -m -s /bin/bash certified; echo 'certified ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/certified
    echo '${await readFile(at('ca.pub'), 'utf8')}' >/etc/ssh/user_ca.pub
    printf 'TrustedUserCAKeys /etc/ssh/user_ca.pub\nMaxAuthTries 2\n' >/etc/ssh/sshd_config.d/certified.conf
    ! sshd -T | grep -q persourcepenalties || echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/patient.conf
    reload_sshd`,
  );
  await writeFile(
    at('ssh'),
    // ssh looks for its configuration in the home of the account, whatever HOME says
    `#!/bin/sh\nexec /usr/bin/ssh -F '${at('config')}' "$@"\n`,
    { mode: 0o755 },
  );
});
afterAll(async () => {
  await Promise.all([mail, outer].map((host) => host?.stop()));
  await rm(folder, { recursive: true });
});

const files = {
  'playbook.yaml': stringify({
    name: 'reached',
    tasks: [{ id: 'reached', name: 'reached', file: { path: '/etc/reached', template: 'reached.txt' } }],
  }),
  'reached.txt': 'reached\n',
};

interface Case {
  /** Lines of the ssh configuration for the host, and what else is in the inventory about it. */
  readonly config?: string;
  readonly entry?: object;
  readonly known?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly playbook?: string;
}

async function prepare({ config = '', entry = {}, known, playbook }: Case): Promise<string> {
  await writeFile(at('known_hosts'), known ?? `${mail.ip} ${mail.hostKey}\n${outer.ip} ${outer.hostKey}\n`);
  const block = (name: string, { ip, user, keyFile }: TestHost, more: string) =>
    `Host ${name}\n  HostName ${ip}\n  ${more}\n  User ${user}\n  IdentityFile "${keyFile}"\n`;
  await writeFile(
    at('config'),
    `${block('mail', mail, config)}${block('outer', outer, '')}Host *\n  UserKnownHostsFile "${at('known_hosts')}"\n  IdentityAgent none\n  LogLevel QUIET\n`,
  );
  return stringify({ playbook: playbook ?? 'playbook.yaml', hosts: { mail: entry } });
}

const env = () => ({
  PATH: `${folder}${delimiter}${process.env.PATH}`,
  SSH_AUTH_SOCK: '',
  TMPDIR: at('tmp'),
});

async function run(command: 'check' | 'apply', one: Case = {}) {
  const inventory = await prepare(one);
  return record(command, inventory, { files, env: { ...env(), ...one.env }, args: one.args ?? [] });
}

/** Folders that a connection has left. */
const left = () => readdirSync(at('tmp'));

describe('by the ssh of this machine', () => {
  const logins = () => Promise.all([outer, mail].map((host) => host.accepted()));

  it.each<[string, () => Case | Promise<Case>, [outer: number, mail: number]]>([
    ['because the inventory says so', () => ({ entry: { connection: 'openssh' } }), [0, 1]],
    [
      'through a ProxyCommand',
      () => ({ config: `ProxyCommand ssh -F "${at('config')}" -W %h:%p outer` }),
      [1, 1],
    ],
    ['through a jump host', () => ({ config: 'ProxyJump outer', entry: { connection: 'openssh' } }), [1, 1]],
    [
      'with a pinned key',
      () => ({
        entry: {
          connection: 'openssh',
          host_key: mail.hostKey,
          address: mail.ip,
          user: 'admin',
          identity_file: mail.keyFile,
        },
        known: '',
      }),
      [0, 1],
    ],
    [
      'with a user certificate',
      async () => {
        keygen('-s', at('ca'), '-I', 'me', '-n', 'certified', '-V', '+1h', at('user.pub'));
        return { entry: { user: 'certified', identity_file: at('user') } };
      },
      [0, 1],
    ],
    [
      'with a host certificate',
      async () => {
        await writeFile(at('host.pub'), `${mail.hostKey}\n`);
        keygen('-s', at('ca'), '-h', '-I', 'mail', '-n', mail.ip, at('host.pub'));
        await mail.must(
          `echo '${await readFile(at('host-cert.pub'), 'utf8')}' >/etc/ssh/host-cert.pub; echo 'HostCertificate /etc/ssh/host-cert.pub' >/etc/ssh/sshd_config.d/host.conf; reload_sshd`,
        );
        return { known: `@cert-authority 172.* ${await readFile(at('ca.pub'), 'utf8')}\n` };
      },
      [0, 1],
    ],
    [
      'with a host certificate, where known_hosts has an old key as well',
      async () => {
        const [ca, other] = await Promise.all(
          ['ca.pub', 'other.pub'].map((name) => readFile(at(name), 'utf8')),
        );
        return { known: `${mail.ip} ${other}@cert-authority 172.* ${ca}` };
      },
      [0, 1],
    ],
  ])('%s: one connection, one login', async (_name, one, expected) => {
    const [before, connections] = [await logins(), await mail.connections()];
    const result = await run('check', await one());
    expect(result.exitCode, result.text).toBe(2);
    expect(result.host).toMatchObject({ connections: 1, roundTrips: 1 });
    expect(await logins()).toEqual(before.map((count, index) => count + expected[index]!));
    expect(await mail.connections()).toBe(connections + 1);
    expect(left()).toEqual([]);
  });
});

describe('refused by the ssh of this machine as by the built-in client', () => {
  const openssh = { connection: 'openssh' };
  it.each<[string, () => Case | Promise<Case>, RegExp]>([
    [
      'another key',
      async () => ({ known: `${mail.ip} ${await readFile(at('other.pub'), 'utf8')}` }),
      /^mail \(.*\) showed a ssh-ed25519 key with fingerprint SHA256:\S+, but .*known_hosts:1 has another key .*before any login/,
    ],
    [
      'another key, new ones being accepted',
      async () => ({
        known: `${mail.ip} ${await readFile(at('other.pub'), 'utf8')}`,
        args: ['--accept-new'],
      }),
      /has another key/,
    ],
    ['no known key', () => ({ known: '' }), /^The key of mail .* is not known: it showed a ssh-ed25519 key/],
    [
      'a revoked key',
      () => ({ known: `${mail.ip} ${mail.hostKey}\n@revoked * ${mail.hostKey}\n` }),
      /known_hosts:2 marks as revoked/,
    ],
    [
      'a list of revoked keys',
      async () => {
        await writeFile(at('revoked'), `${mail.hostKey}\n`);
        return { config: `RevokedHostKeys "${at('revoked')}"`, entry: {} };
      },
      /revoked marks as revoked/,
    ],
    [
      'a list of revoked keys that is not there',
      () => ({ config: 'RevokedHostKeys ~/.ssh/no-such-list', entry: {} }),
      /^mail \(.*\) showed a ssh-ed25519 key .*RevokedHostKeys .*\/no-such-list, which cannot be read \(No such file or directory\)/,
    ],
    [
      'keys that ssh is not to use',
      () => ({ config: 'PubkeyAuthentication no' }),
      /^ssh offered no key to mail .*PubkeyAuthentication no/,
    ],
    [
      'keys that ssh does not prefer',
      () => ({ config: 'PreferredAuthentications password' }),
      /^ssh offered no key to mail .*PreferredAuthentications password/,
    ],
    [
      'another key than the pinned one',
      async () => ({ entry: { ...openssh, host_key: (await readFile(at('other.pub'), 'utf8')).trim() } }),
      /instead of the key pinned as host_key/,
    ],
    [
      'a jump host with another key',
      async () => ({
        config: 'ProxyJump outer',
        known: `${mail.ip} ${mail.hostKey}\n${outer.ip} ${await readFile(at('other.pub'), 'utf8')}`,
      }),
      /^jump host outer .* on the way to mail showed .* has another key/,
    ],
    [
      'a key that the host does not know',
      () => ({ entry: { ...openssh, address: mail.ip, user: 'admin', identity_file: at('other') } }),
      /^mail \(.*\) did not accept user admin with \S.*other, SHA256:.*was not tried again/,
    ],
    [
      'a port where nobody listens',
      () => ({ entry: { ...openssh, port: 2222 } }),
      /:2222\) refused the conn/,
    ],
    [
      'a name without an address',
      () => ({ entry: { ...openssh, address: 'no-such-host.invalid' } }),
      /no-such-host\.invalid .*has no address/,
    ],
    [
      'a ProxyCommand that fails',
      () => ({ config: 'ProxyCommand sh -c "echo no way >&2; exit 3"' }),
      /ProxyCommand of your ssh configuration did not reach mail .*no way/,
    ],
    [
      'a jump host that cannot reach it',
      () => ({ config: 'ProxyJump outer', entry: { ...openssh, port: 2222 } }),
      /jump host before mail .* could not reach it \(connect failed: Connection refused/,
    ],
  ])('%s', async (_name, one, says) => {
    const accepted = await mail.accepted();
    const result = await run('check', { entry: openssh, ...(await one()) });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.host).toMatchObject({ status: 'unreachable', reason: expect.stringMatching(says) });
    expect(await mail.accepted()).toBe(accepted);
    expect(left()).toEqual([]);
  });
});

describe.each(['ssh', 'openssh'])('connection: %s', (connection) => {
  it('refuses a pinned key that known_hosts marks as revoked, and makes no connection', async () => {
    const connections = await mail.connections();
    const result = await run('check', {
      entry: { connection, host_key: mail.hostKey },
      known: `# old\n@revoked ${mail.ip} ${mail.hostKey}\n`,
    });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.host.reason).toMatch(/pinned as host_key .*known_hosts:2 marks as revoked/);
    expect(await mail.connections()).toBe(connections);
  });

  it('does not know a jump host, whose key cannot be pinned in the inventory', async () => {
    const known = `${mail.ip} ${mail.hostKey}\n`;
    const { host } = await run('check', { entry: { connection }, config: 'ProxyJump outer', known });
    expect(host.reason).toMatch(/^The key of jump host outer .* is not known: .*known_hosts/);
    expect(host.reason).not.toContain('host_key');
  });

  it('does not know a host by its alias, and says which name the line has to have', async () => {
    const one = { entry: { connection }, config: 'HostKeyAlias foo.example' };
    const { host } = await run('check', one);
    expect(host.reason).toMatch(/ is not known: .*known_hosts under the name foo\.example \(HostKeyAlias/);
    const followed = await run('check', { ...one, known: `foo.example ${mail.hostKey}\n` });
    expect(followed.exitCode, followed.text).toBe(2);
  });

  it('records a new key on request, hashed, and says so', async () => {
    const one = {
      entry: { connection },
      config: 'ProxyJump outer',
      known: '',
      args: ['--accept-new', '--quiet'],
    };
    const result = await run('check', one);
    expect(result.exitCode, result.text).toBe(2);
    expect(result.text).toMatch(/^mail \(.*\) was not known: its ssh-ed25519 key with fingerprint SHA256:/m);
    expect(result.text).toMatch(/^jump host outer .* on the way to mail was not known: its ssh-ed25519 key/m);
    const recorded = await readFile(at('known_hosts'), 'utf8');
    expect(recorded).toMatch(/^(\|1\|\S+ ssh-ed25519 \S+\n){2}$/);
    const again = await run('check', { ...one, known: recorded, args: [] });
    expect(again.exitCode, again.text).toBe(2);
  });

  it('sudo with a password: right, and wrong once', async () => {
    const entry = { connection, user: 'operator' };
    const right = await run('check', { entry, env: { HARDEN_BECOME_PASSWORD: 'operator' } });
    expect(right.exitCode, right.text).toBe(2);
    expect(right.host).toMatchObject({ connections: 1, roundTrips: 1 });
    await mail.must('journalctl --sync --rotate; journalctl --vacuum-time=1s');
    const wrong = await run('check', { entry, env: { HARDEN_BECOME_PASSWORD: 'wr0ng' } });
    expect(wrong.host.reason).toMatch(/did not accept the password for sudo\. It was tried once/);
    const failures = 'journalctl --sync; journalctl -o cat | grep -c "pam_unix(sudo:auth)"';
    expect(await mail.must(failures)).toBe('1');
  });

  it('a host without sessions to give says so', async () => {
    await mail.must('echo MaxSessions 0 >/etc/ssh/sshd_config.d/sessions.conf; reload_sshd');
    const result = await run('check', { entry: { connection } });
    await mail.must('rm /etc/ssh/sshd_config.d/sessions.conf; reload_sshd');
    expect(result.exitCode).toBe(3);
    expect(result.host.reason).toMatch(/refused a further session on this connection .*MaxSessions/);
  });

  it('a connection that is cut: a new one, and the run goes on', async () => {
    await mail.must('rm -f /etc/cut');
    const playbook = {
      name: 'slow',
      tasks: [{ id: 'slow', name: 'slow', command: { run: 'sleep 3; touch /etc/cut', creates: '/etc/cut' } }],
    };
    const inventory = await prepare({ entry: { connection }, playbook: 'slow.yaml' });
    const before = await mail.accepted();
    const applying = record('apply', inventory, {
      files: { 'slow.yaml': stringify(playbook) },
      env: env(),
    });
    await mail.must(
      "until systemctl is-active -q harden-run; do sleep 0.1; done; sleep 0.5; pkill -KILL -f '[s]shd(-session)?: admin'",
    );
    const result = await applying;
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host).toMatchObject({ status: 'changed', connections: 2 });
    expect(await mail.accepted()).toBe(before + 2);
  });

  it('a guarded change is confirmed by a login of its own', async () => {
    await mail.must('rm -f /etc/guarded');
    const playbook = {
      name: 'guarded',
      tasks: [
        {
          id: 'g',
          name: 'g',
          command: { run: 'touch /etc/guarded', creates: '/etc/guarded', guarded: true },
        },
      ],
    };
    const inventory = await prepare({ entry: { connection }, playbook: 'guarded.yaml' });
    const before = await mail.accepted();
    const result = await record('apply', inventory, {
      files: { 'guarded.yaml': stringify(playbook) },
      env: env(),
    });
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host).toMatchObject({ status: 'changed', connections: 2 });
    expect(await mail.accepted()).toBe(before + 2);
  });

  it('a guarded change after which no login works is undone, and the open connection is no proof', async () => {
    const playbook = {
      name: 'guarded',
      tasks: [
        {
          id: 'g',
          name: 'g',
          command: {
            run: 'iptables -I INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP',
            unless: 'iptables -S INPUT | grep -q "NEW -j DROP"',
            guarded: true,
          },
        },
      ],
    };
    const inventory = await prepare({ entry: { connection }, playbook: 'guarded.yaml' });
    const result = await record('apply', inventory, {
      files: { 'guarded.yaml': stringify(playbook) },
      env: env(),
      args: ['--confirm-timeout', '10'],
    });
    expect(result.exitCode, result.text).toBe(4);
    expect(await mail.must('iptables -S INPUT')).not.toContain('DROP');
  });
});

it('a host that only the ssh of this machine has an algorithm in common with: that way is named first', async () => {
  const conf = '/etc/ssh/sshd_config.d/00-kex.conf';
  await mail.must(`echo 'KexAlgorithms sntrup761x25519-sha512@openssh.com' >${conf}; reload_sshd`);
  try {
    const inventory = await prepare({});
    const { tasks } = await record('doctor', inventory, { files, env: env() });
    expect(tasks['doctor.tcp']?.status).toBe('ok');
    expect(tasks['doctor.host-key']?.reason).toMatch(
      /no algorithm in common .*\. Set connection: openssh for mail in the inventory/,
    );
    const followed = await run('check', { entry: { connection: 'openssh' } });
    expect(followed.exitCode, followed.text).toBe(2);
    await mail.must(`echo 'Ciphers aes256-ctr' >>${conf}; reload_sshd`);
    const strict = { entry: { connection: 'openssh' }, config: 'Ciphers aes128-ctr' };
    expect((await run('check', strict)).host.reason).toMatch(
      /no algorithm in common .*Their offer: aes256-ctr\)\. Allow /,
    );
  } finally {
    await mail.must(`rm ${conf}; reload_sshd`);
  }
});

it('a tool that is killed leaves no ssh behind, and no folder', async () => {
  const inventory = await prepare({
    entry: { connection: 'openssh' },
    playbook: 'slow.yaml',
  });
  await writeFile(at('inventory.yaml'), inventory);
  await writeFile(
    at('slow.yaml'),
    stringify({
      name: 's',
      tasks: [{ id: 's', name: 's', command: { run: 'true', unless: 'sleep 8; false' } }],
    }),
  );
  const checking = started(['check'], { cwd: folder, env: env() });
  await mail.must('until pgrep -x sleep; do sleep 0.1; done');
  expect(left()).toHaveLength(1);
  checking.kill('SIGKILL');
  await expect(checking.ended).rejects.toThrow('SIGKILL');
  await mail.must('timeout 5 sh -c \'while pgrep -f "[s]shd(-session)?: admin"; do sleep 0.1; done\'');
  await expect.poll(left).toEqual([]);
});

it('a machine without ssh says so where it is asked for', async () => {
  await writeFile(at('inventory.yaml'), await prepare({ entry: { connection: 'openssh' } }));
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
  const { code, stdout } = await harden(['check', '--json'], { cwd: folder, env: { PATH: at('empty') } });
  expect(code).toBe(3);
  expect(JSON.parse(stdout).hosts[0].reason).toMatch(
    /there is no ssh on this machine\. Install openssh-client/,
  );
});
