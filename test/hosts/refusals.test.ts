import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startHost, type TestHost } from './host.ts';
import { isPart } from './long.ts';
import { record } from './record.ts';

let host: TestHost;
let folder: string;
let otherKey: string;
beforeAll(async () => {
  host = await startHost();
  // these tests fail to log in more often than OpenSSH 9.8 and newer put up with
  await host.must(
    "! sshd -T | grep -q persourcepenalties || { echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/patient.conf; reload_sshd; }",
  );
  folder = mkdtempSync(join(tmpdir(), 'harden-test-'));
  otherKey = join(folder, 'other');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', otherKey]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await host?.stop();
});

/** One sentence for people about one host that could not be worked on. */
async function refused(entry: object, env: Record<string, string> = {}): Promise<string> {
  const before = await host.diff();
  let reason = '';
  for (const command of ['check', 'apply'] as const) {
    const result = await record(command, host.inventory({ entry }), { env });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.host.status).toBe('unreachable');
    expect(result.host.tasks).toEqual([]);
    expect(result.text).toContain(result.host.reason);
    // sudo lectures a user the first time only
    reason = result.host.reason ?? '';
  }
  expect(reason).not.toMatch(/\n| at .*\.ts|Error:/);
  expect(reason).toMatch(/ Nothing was changed there\.$/);
  // sudo itself notes whom it has lectured
  const own = /^\/var\/(log|lib\/sudo)/;
  expect((await host.diff()).filter((path) => !before.includes(path) && !own.test(path))).toEqual([]);
  return reason;
}

describe('a host that cannot be worked on: exit 3, and one sentence of what to do', () => {
  it('refuses the connection', async () => {
    expect(await refused({ port: 2222 })).toMatch(
      new RegExp(`^${host.name} \\(${host.ip}:2222\\) refused the connection: .*Check that sshd runs`),
    );
  });

  it('does not answer', async () => {
    await host.must('iptables -I INPUT -p tcp --dport 2223 -j DROP');
    const result = await record('check', host.inventory({ entry: { port: 2223 } }));
    expect(result.exitCode).toBe(3);
    // the sentence says what a retry does to the very limit that may be the cause
    expect(result.host.reason).toMatch(/did not answer within \d+ s\. .*DDOS-SSH.*better to wait a minute/);
    await host.must('iptables -D INPUT -p tcp --dport 2223 -j DROP');
  });

  it('has no address', async () => {
    expect(await refused({ address: 'no-such-host.invalid' })).toMatch(
      /no-such-host\.invalid .*has no address/,
    );
  });

  it('shows another key than the pinned one', async () => {
    const accepted = await host.accepted();
    const pinned = readFileSync(`${otherKey}.pub`, 'utf8').trim();
    expect(await refused({ host_key: pinned })).toMatch(
      /instead of the key pinned as host_key in the inventory .*closed before any login/,
    );
    expect(await host.accepted()).toBe(accepted);
  });

  it('is not known', async () => {
    const accepted = await host.accepted();
    expect(await refused({ host_key: undefined })).toMatch(
      /^The key of .* is not known: it showed .*SHA256:.*closed before any login/,
    );
    expect(await host.accepted()).toBe(accepted);
  });

  it('rejects the key', async () => {
    expect(await refused({ identity_file: otherKey })).toMatch(
      /did not accept user admin with .*was not tried again, because failed logins count for fail2ban/,
    );
  });

  it('is given a key file that does not exist', async () => {
    expect(await refused({ identity_file: join(folder, 'missing') })).toMatch(
      /missing does not exist\. No connection was made/,
    );
  });

  it('lets in a user without sudo', async () => {
    expect(await refused({ user: 'nosudo' })).toMatch(/or its user may not use sudo at all/);
    // sudo asks everybody for the password before it says who may
    await host.must("echo 'nosudo:secret' | chpasswd");
    expect(await refused({ user: 'nosudo' }, { HARDEN_BECOME_PASSWORD: 'secret' })).toMatch(
      /does not let the login user become root: .*not in the sudoers/,
    );
  });

  // both clients see each in their own way; what sshd and sudo say is the distribution's
  const clients = isPart ? ['ssh'] : ['ssh', 'openssh'];
  describe.each(clients)('reached by %s', (connection) => {
    it.each<[string, string, string, RegExp]>([
      [
        'runs sudo at a terminal only',
        'echo Defaults requiretty >/etc/sudoers.d/tty',
        'rm /etc/sudoers.d/tty',
        /at a terminal only.*Defaults:USER !requiretty/,
      ],
      [
        'wants the password changed',
        'echo admin:secret | chpasswd; chage -d 0 admin',
        'chage -d 19000 admin',
        /changed before anything else.*Log in once by hand/,
      ],
      [
        'wants a password besides the key',
        'echo AuthenticationMethods publickey,password >/etc/ssh/sshd_config.d/00-two.conf; reload_sshd',
        'rm /etc/ssh/sshd_config.d/00-two.conf; reload_sshd',
        /accepted .*SHA256:\S+ for user admin and then wants password as well \(AuthenticationMethods/,
      ],
      [
        'has an account that expired',
        'chage -E 1 admin',
        'chage -E -1 admin',
        /in the middle of the login .*chage -l admin.*each is a login that fails/,
      ],
      [
        'lets nobody in for now',
        'echo back at noon >/etc/nologin',
        'rm /etc/nologin',
        /it said “back at noon”\).*\/etc\/nologin/,
      ],
    ])('%s', async (_, alter, repair, says) => {
      await host.must(alter);
      try {
        expect(await refused({ connection })).toMatch(says);
      } finally {
        await host.must(repair);
      }
    });
  });

  it('wants a password for sudo', async () => {
    expect(await refused({ user: 'operator' })).toMatch(/password.*HARDEN_BECOME_PASSWORD/);
    const wrong = await refused({ user: 'operator' }, { HARDEN_BECOME_PASSWORD: 'wr0ng-Secret' });
    expect(wrong).toMatch(/password/);
    expect(wrong).not.toContain('wr0ng-Secret');
    expect(
      await refused({ user: 'operator' }, { HARDEN_BECOME_PASSWORD_COMMAND: 'echo wr0ng-Secret; false' }),
    ).toMatch(/wants a password for sudo, and the command in HARDEN_BECOME_PASSWORD_COMMAND failed/);
    const asked = await record('check', host.inventory({ entry: { user: 'operator' } }), {
      args: ['--ask-become-pass'],
    });
    expect(asked.host.reason).toMatch(
      /wants a password for sudo, and --ask-become-pass found nothing to read/,
    );
  });
});

describe('sudo with a password', () => {
  it('works, and the password is nowhere', async () => {
    const env = { HARDEN_BECOME_PASSWORD: 'operator' };
    const result = await record('check', host.inventory({ entry: { user: 'operator' } }), {
      args: ['-v'],
      env,
    });
    expect(result.exitCode, result.text).toBe(2);
    expect(result.host).toMatchObject({ connections: 1, roundTrips: 1 });
    await host.must('echo \'operator:t0p-$ecret "quoted"\' | chpasswd');
    const odd = await record('check', host.inventory({ entry: { user: 'operator' } }), {
      args: ['-v'],
      env: { HARDEN_BECOME_PASSWORD: 't0p-$ecret "quoted"' },
    });
    expect(odd.exitCode, odd.text).toBe(2);
    expect(JSON.stringify(odd)).not.toContain('t0p-');
    const command = { HARDEN_BECOME_PASSWORD_COMMAND: `printf '%s\\nnotes\\n' 't0p-$ecret "quoted"'` };
    const fromCommand = await record('check', host.inventory({ entry: { user: 'operator' } }), {
      env: command,
    });
    expect(fromCommand.exitCode, fromCommand.text).toBe(2);
    expect(JSON.stringify(fromCommand)).not.toContain('t0p-');
    expect(await host.must("journalctl --no-pager | grep -c 't0p-' || :")).toBe('0');
  });

  it('is in no argument list, here or there, and in nothing that an apply leaves', async () => {
    const secret = `pw-${randomBytes(8).toString('hex')}`;
    await host.must(`echo 'operator:${secret}' | chpasswd`);
    // the brackets keep the search from finding itself; the processes of the host are this machine's as well
    const pattern = `${secret.slice(0, -1)}[${secret.at(-1)}]`;
    const watcher = spawn('sh', [
      '-c',
      'while :; do grep -las -e "$1" /proc/[0-9]*/cmdline; sleep 0.02; done',
      'sh',
      pattern,
    ]);
    let seen = '';
    watcher.stdout.on('data', (text) => {
      seen += text;
    });
    try {
      const tasks = [
        { id: 'file', name: 'file', file: { path: '/etc/with-password', content: 'x\n' } },
        {
          id: 'run',
          name: 'run',
          command: { run: 'sleep 2', unless: '[ -e /etc/with-password ]', guarded: true },
        },
      ];
      const result = await record(
        'apply',
        host.inventory({ playbook: 'playbook.yaml', entry: { user: 'operator' } }),
        {
          args: ['-v'],
          env: { HARDEN_BECOME_PASSWORD: secret },
          files: { 'playbook.yaml': stringify({ name: 'some tasks', tasks }) },
        },
      );
      expect(result.exitCode, result.text).toBe(0);
      expect(JSON.stringify(result)).not.toContain(secret);
      expect(seen).toBe('');
      // it would have seen one
      const control = spawn('sh', ['-c', 'sleep 60', secret]);
      await expect.poll(() => seen, { timeout: 20_000 }).toContain(`/proc/${control.pid}/cmdline`);
      control.kill();
    } finally {
      watcher.kill();
    }
    const left = `journalctl --no-pager | grep -e '${pattern}'; grep -rsal -e '${pattern}' /var/lib /var/log /run /tmp /etc /home /root`;
    expect((await host.exec(left)).stdout).toBe('');
  });
});
