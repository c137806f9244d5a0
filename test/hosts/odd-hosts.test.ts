import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';
import { changed, snapshotOf } from './snapshot.ts';

const JAIL = '/etc/fail2ban/jail.d/defaults-debian.conf';
const LOG4J2 = '/opt/james/conf/log4j2.xml';

let host: TestHost;
/** This machine, whose failed logins would have it banned. */
let trusted: string[];
/** Of James's log4j2.xml, before anything was applied. */
let access: string;
beforeAll(async () => {
  host = await startHost({
    tmpfs: {
      '/tmp': 'rw,noexec,nosuid,nodev,mode=1777',
      '/var/tmp': 'rw,noexec,nosuid,nodev,mode=1777',
      '/mnt/read-only': 'ro,mode=755',
      '/mnt/small': 'rw,size=64k,mode=755',
    },
  });
  trusted = [await host.must("ip route show default | cut -d' ' -f3")];
  await host.must(`printf '%s\\n' 'MaxAuthTries 2' 'MaxSessions 1' 'Banner /etc/banner' 'PermitTTY no' 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/odd.conf
    sed -i '/sftp/d' /etc/ssh/sshd_config; rm /usr/lib/openssh/sftp-server
    printf 'Authorised use only.\\n\\033[31mREADY- @@\\033[0m\\n' >/etc/banner
    reload_sshd`);
  await host.install('acl attr csh fish tcsh');
  await host.must(`setfacl -m u:admin:r,g:mail:r ${LOG4J2}; setfattr -n user.note -v kept ${LOG4J2}`);
  access = await accessOf(LOG4J2);
});
afterAll(() => host?.stop());

let minutes = 20;
let megabytes = 10;
/** Values that are not yet those of the host: something is left to do. */
const others = () => ({ james_findtime: `${++minutes}m`, james_log_size: `${megabytes} MB`, trusted });

/** One task is enough where only the way to it is odd. */
const ONE_TASK = ['--task', 'james.log4j2'];
const another = () => ({ james_log_size: `${++megabytes} MB`, trusted });

/** From drift to proven, over one connection each. */
async function converges(
  vars: object,
  { env = {}, entry = {}, args = [] as readonly string[] } = {},
): Promise<void> {
  const inventory = host.inventory({ vars, entry });
  const seen = await record('check', inventory, { env, args });
  expect(seen.exitCode, seen.text).toBe(2);
  expect(seen.host).toMatchObject({ connections: 1, roundTrips: 1 });
  const applied = await record('apply', inventory, { env, args });
  expect(applied.exitCode, applied.text).toBe(0);
  expect(applied.host.status).toBe('changed');
}

describe.sequential('a login that is unusual', () => {
  it('no programs run in /tmp, sshd has MaxAuthTries 2, MaxSessions 1, a banner and no SFTP: a fresh host converges', async () => {
    await host.must('cp /bin/true /tmp/program; ! /tmp/program 2>/dev/null; rm /tmp/program');
    await converges({ trusted });
  });

  it.each([
    ['fish', 'admin'],
    ['fish', 'operator'],
    ['tcsh', 'admin'],
    ['bsd-csh', 'admin'],
    ['bsd-csh', 'operator'],
    ['dash', 'admin'],
  ])('the login shell is %s, for %s: it converges', async (shell, user) => {
    await host.must(`chsh -s "$(command -v ${shell})" ${user}`);
    const noise = 'echo noise; echo more noise >&2\n';
    await host.must(`mkdir -p /home/${user}/.config/fish
      printf '${noise}' | tee /home/${user}/.cshrc /home/${user}/.config/fish/config.fish >/home/${user}/.profile`);
    await converges(another(), {
      entry: { user },
      env: { HARDEN_BECOME_PASSWORD: 'operator' },
      args: ONE_TASK,
    });
    await host.must(`chsh -s /bin/bash ${user}`);
  });

  it.each([
    ['says much', 'echo noise; echo noise >&2; head -c 100000 /dev/urandom; printf "no end of line"'],
    [
      'says what looks like an answer',
      'printf "@@0123 probe facts eA== =\\n@@0123 observed\\nREADY-0123\\n"; printf "READY-"',
    ],
    ['wants a terminal', 'stty erase x; mesg n; tput clear'],
    [
      'has other ideas of the environment',
      'export LC_ALL=de_DE IFS=x CDPATH=/tmp ENV=/etc/passwd; set -e; umask 0',
    ],
    ['leaves something running', 'sleep 1000 &'],
  ])('a .bashrc that %s: it converges', async (_, bashrc) => {
    await host.must(`cat >/home/admin/.bashrc <<'END'\n${bashrc}\nEND`);
    await converges(another(), { args: ONE_TASK });
  });

  it.each([
    [
      'ends at once',
      'echo exit 3 >/home/admin/.bashrc',
      ': >/home/admin/.bashrc',
      /its login shell did not run sudo \(exit 3;/,
    ],
    [
      'is nologin',
      'usermod -s /usr/sbin/nologin admin',
      'usermod -s /bin/bash admin',
      /its login shell did not run sudo \(exit 1;.*Give the user a working shell/,
    ],
    [
      'is not what sshd starts',
      'sed -i \'s/^/command="echo only this" /\' /home/admin/.ssh/authorized_keys',
      'sed -i \'s/^command="[^"]*" //\' /home/admin/.ssh/authorized_keys',
      /its login shell did not run sudo \(exit 0;/,
    ],
  ])('a login shell that %s: one sentence, and nothing is changed', async (_, odd, mend, said) => {
    await host.must(odd);
    await refuses(others(), said);
    await host.must(mend);
  });
});

/** Neither command works, for the reason that is said in one sentence, and both leave everything as it was. */
async function refuses(vars: object, said: RegExp, { env = {}, entry = {} } = {}): Promise<void> {
  const before = await snapshotOf(host);
  for (const command of ['check', 'apply'] as const) {
    const result = await record(command, host.inventory({ vars, entry }), { env });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.host).toMatchObject({ status: 'unreachable', reason: expect.stringMatching(said) });
    expect(result.host.reason).toMatch(/^[^\n]* Nothing was changed there\.$/);
  }
  expect(changed(before.state, (await snapshotOf(host)).state)).toEqual([]);
}

describe('an agent that holds more keys than MaxAuthTries lets try', () => {
  let folder: string;
  let agent: ChildProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'harden-agent-'));
    const socket = join(folder, 'socket');
    agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    while (!existsSync(socket)) await sleep(20);
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    for (const name of ['one', 'two', 'three']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
      execFileSync('ssh-add', ['-q', join(folder, name)], { env, stdio: 'ignore' });
    }
    execFileSync('ssh-add', ['-q', host.keyFile], { env, stdio: 'ignore' });
  });
  afterAll(() => {
    agent?.kill();
    rmSync(folder, { recursive: true });
  });

  it('the right one comes too late: one sentence says what to name', () =>
    refuses(others(), /did not accept user admin with .*another key is named as identity_file/, {
      entry: { identity_file: undefined },
      env: { SSH_AUTH_SOCK: join(folder, 'socket') },
    }));

  it('the right one is named: it converges', () =>
    converges(others(), { env: { SSH_AUTH_SOCK: join(folder, 'socket') } }));
});

/** Applies where that cannot succeed: one sentence, everything as it was, and then it converges. */
async function leavesAsItWas(prepare: string, mend: string, task: string, said: RegExp): Promise<void> {
  if (task === 'james.log4j2') megabytes++;
  const vars = others();
  const inventory = host.inventory({ vars });
  await host.must(prepare);
  try {
    const before = await snapshotOf(host);
    const seen = await record('check', inventory);
    expect(seen.exitCode, seen.text).toBe(2);
    const result = await record('apply', inventory);
    expect(result.exitCode, result.text).toBe(3);
    const reason = task === 'host' ? result.host.reason : result.tasks[task]?.reason;
    expect(reason, result.text).toMatch(said);
    expect(changed(before.state, (await snapshotOf(host)).state)).toEqual([]);
    expect(await host.must("find / -xdev -name '.harden.*'; find /mnt -name '.harden.*'")).toBe('');
  } finally {
    await host.must(mend);
  }
  await converges(vars);
}

/** A folder that lies on another file system, with what was in it. */
const elsewhere = (folder: string, there: string) =>
  `mv ${folder} /root/kept; cp -a /root/kept/. ${there}/; ln -s ${there} ${folder}`;
const back = (folder: string) => `rm ${folder}; mv /root/kept ${folder}; find /mnt/small -mindepth 1 -delete`;
const fill = 'cat /dev/zero >/mnt/small/full 2>/dev/null || :';

describe.sequential('a file that cannot be written: one sentence, and nothing is lost', () => {
  it.each([
    [
      'what is kept of runs, on a file system that is read-only',
      'mv /var/lib/harden /root/kept; ln -s /mnt/read-only /var/lib/harden',
      back('/var/lib/harden'),
      'host',
      /could not begin the run: .*read-only.*Read-only file system.*This run changed nothing/i,
    ],
    [
      "James's log4j2.xml, on a disk that is full",
      `${elsewhere('/opt/james/conf', '/mnt/small')}; ${fill}`,
      back('/opt/james/conf'),
      'james.log4j2',
      /failed: .*could not be written in full \(is the disk full\?\); it was left alone$/,
    ],
    [
      'a jail, on a disk that is full',
      `${elsewhere('/etc/fail2ban/jail.d', '/mnt/small')}; ${fill}`,
      back('/etc/fail2ban/jail.d'),
      'fail2ban.james',
      /failed: .*could not be written in full \(is the disk full\?\); it was left alone/,
    ],
  ])('%s', (_, prepare, mend, task, said) => leavesAsItWas(prepare, mend, task, said));
});

describe.sequential('a file that nothing can take the place of: foreseen, left alone, and the rest goes on', () => {
  it.each([
    [
      'a jail, on a file system that is read-only',
      'mv /etc/fail2ban/jail.d /root/kept; ln -s /mnt/read-only /etc/fail2ban/jail.d',
      back('/etc/fail2ban/jail.d'),
      'fail2ban.james',
      /^\/etc\/fail2ban\/jail\.d takes no change, not even from root: .*read-only/,
      'james.log4j2',
    ],
    [
      // the engine binds it; here it stands for any file that is a mount
      "James's log4j2.xml, bound from elsewhere",
      `mv ${LOG4J2} /root/kept; cat /root/kept >/etc/hostname; ln -s /etc/hostname ${LOG4J2}`,
      `rm ${LOG4J2}; mv /root/kept ${LOG4J2}; echo ${'$(hostname)'} >/etc/hostname`,
      'james.log4j2',
      /^\/etc\/hostname is a mount of its own, .*unmount it/,
      'fail2ban.james',
    ],
  ])('%s', async (_, prepare, mend, task, said, other) => {
    megabytes++;
    const vars = others();
    const inventory = host.inventory({ vars });
    await host.must(prepare);
    try {
      const seen = await record('check', inventory);
      expect(seen.exitCode, seen.text).toBe(3);
      expect(seen.tasks[task]).toMatchObject({ status: 'blocked', reason: expect.stringMatching(said) });
      expect(seen.tasks[other]?.status).toBe('drift');
      const result = await record('apply', inventory);
      expect(result.exitCode, result.text).toBe(3);
      expect(result.tasks[task]).toEqual(seen.tasks[task]);
      expect(result.tasks[other]?.status, result.text).toBe('changed');
    } finally {
      await host.must(mend);
    }
    await converges(vars);
  });
});

/** Its access list, its attributes, its mode and owner. */
const accessOf = (file: string) =>
  host.must(`getfacl -p ${file}; getfattr -d --absolute-names ${file}; stat -c '%a %U %G' ${file}`);

describe.sequential('access lists and attributes of files that harden changes', () => {
  it('stay through apply, also where the mode is set as well', async () => {
    expect(access.split('\n')).toEqual(
      expect.arrayContaining(['user:admin:r--', 'group:mail:r--', 'user.note="kept"', '640 james james']),
    );
    expect(await accessOf(LOG4J2)).toBe(access);
    await host.must(`setfacl -m u:admin:r,g:mail:r ${JAIL}; setfattr -n user.note -v kept ${JAIL}`);
    const jail = await accessOf(JAIL);
    for (const prepare of [':', `chmod o+w ${JAIL} ${LOG4J2}`]) {
      await host.must(prepare);
      megabytes++;
      await converges({ ...others(), sshd_findtime: `${minutes}m` });
      expect(await accessOf(LOG4J2)).toBe(access);
      expect(await accessOf(JAIL)).toBe(jail);
    }
  });

  it('stay through state: absent', async () => {
    const absent = ['--var', 'state=absent', '--task', 'james.log4j2'];
    const result = await record('apply', host.inventory(), { args: absent });
    expect(result.exitCode, result.text).toBe(0);
    expect(await host.must(`cat ${LOG4J2}`)).not.toContain('Harden');
    expect(await accessOf(LOG4J2)).toBe(access);
  });
});
