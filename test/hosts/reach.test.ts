import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { repository } from '../repository.ts';
import { $ } from '../shell.ts';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let outer: TestHost;
let inner: TestHost;
let mail: TestHost;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harden-reach-'));
  [outer, inner, mail] = (await Promise.all([1, 2, 3].map(() => startHost({ james: false })))) as [
    TestHost,
    TestHost,
    TestHost,
  ];
});
afterAll(async () => {
  await Promise.all([outer, inner, mail].map((host) => host?.stop()));
  await rm(folder, { recursive: true });
});

const PLAYBOOK = stringify({
  name: 'reached',
  vars: { text: 'playbook' },
  tasks: [{ id: 'reached', name: 'reached', file: { path: '/etc/reached', template: 'reached.txt' } }],
});
const files = { 'playbook.yaml': PLAYBOOK, 'reached.txt': 'by {{ text }}\n' };

/** Runs with a configuration of ssh, and with what its known_hosts says of each host. */
async function run(
  command: 'check' | 'apply' | 'doctor',
  { known = {}, config = 'ProxyJump outer' }: { known?: Record<string, string>; config?: string },
) {
  const hosts = { outer, inner, mail };
  const knownHosts = join(folder, 'known_hosts');
  const keys = Object.entries(hosts).map(([name, host]) => `${host.ip} ${known[name] ?? host.hostKey}\n`);
  await writeFile(knownHosts, keys.join(''));
  const entries = Object.entries(hosts).map(
    ([name, host]) =>
      `Host ${name}\n  HostName ${host.ip}\n  User ${host.user}\n  IdentityFile "${host.keyFile}"\n  ${name === 'mail' ? config : ''}\n`,
  );
  await writeFile(
    join(folder, 'config'),
    `${entries.join('')}Host *\n  UserKnownHostsFile "${knownHosts}"\n  IdentityAgent none\n`,
  );
  // ssh looks for its configuration in the home of the account, whatever HOME says
  await writeFile(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${folder}/config' "$@"\n`, {
    mode: 0o755,
  });
  const inventory = stringify({
    playbook: 'playbook.yaml',
    hosts: { mail: { vars: { text: 'inventory' } } },
  });
  return record(command, inventory, {
    files,
    env: { PATH: `${folder}${delimiter}${process.env.PATH}`, SSH_AUTH_SOCK: '' },
  });
}

const logins = async () => [await outer.accepted(), await inner.accepted(), await mail.accepted()];

describe('a name of the ssh configuration, behind a jump host', () => {
  it('is reached through it, each host with its own key', async () => {
    const before = await logins();
    const result = await run('apply', {});
    expect(result.exitCode, result.text).toBe(0);
    expect(await mail.must('cat /etc/reached')).toBe('by inventory');
    expect(await mail.must('journalctl -q -o cat -u ssh | grep "^Accepted"')).toContain(`from ${outer.ip} `);
    const after = await logins();
    expect(after[0]).toBeGreaterThan(before[0]!);
    expect(after[1]).toBe(before[1]);
    expect((await run('check', {})).exitCode).toBe(0);
  });

  it('is reached through two of them', async () => {
    const before = await logins();
    const result = await run('check', { config: 'ProxyJump outer,inner' });
    expect(result.exitCode, result.text).toBe(0);
    expect(await logins()).toEqual(before.map((count) => count + 1));
  });

  it.each([
    ['the jump host', 'outer', /jump host outer .* on the way to mail/, [0, 0, 0]],
    ['the second jump host', 'inner', /jump host inner .* on the way to mail/, [1, 0, 0]],
    ['the host itself', 'mail', /^(?!.*jump host).*mail/, [1, 1, 0]],
  ])('is refused where %s shows another key than the known one', async (_, name, said, let_in) => {
    const before = await logins();
    const other = name === 'mail' ? outer : mail;
    const result = await run('check', {
      known: { [name]: other.hostKey },
      config: 'ProxyJump outer,inner',
    });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.host.status).toBe('unreachable');
    expect(result.host.reason).toMatch(said);
    expect(await logins()).toEqual(before.map((count, index) => count + let_in[index]!));
  });
});

describe('the doctor', () => {
  it('tells the way through a jump host', async () => {
    const { tasks, text, exitCode, host } = await run('doctor', {});
    expect(exitCode, text).toBe(0);
    expect(host).toMatchObject({ connections: 1, roundTrips: 1 });
    expect(tasks['doctor.name']?.reason).toBe(`${mail.ip}, port 22, through outer`);
  });

  it('claims nothing of a host that its jump host keeps away', async () => {
    const { tasks, text, exitCode } = await run('doctor', { known: { outer: mail.hostKey } });
    expect(exitCode, text).toBe(3);
    expect(['name', 'tcp', 'host-key', 'login'].map((check) => tasks[`doctor.${check}`]?.status)).toEqual([
      'skipped',
      'skipped',
      'failed',
      'skipped',
    ]);
    expect(tasks['doctor.host-key']?.reason).toMatch(/jump host outer .* on the way to mail/);
  });
});

describe.sequential('connection: local', () => {
  const inventory = stringify({ playbook: 'playbook.yaml', hosts: { here: { connection: 'local' } } });

  async function install(texts: Record<string, string>): Promise<void> {
    const copy = (from: string, to: string) => $`docker cp ${from} ${mail.name}:${to}`;
    await mail.must('mkdir -p /opt/harden');
    await copy(process.execPath, '/opt/harden/node');
    await copy(join(repository, 'dist/harden.cjs'), '/opt/harden/harden.cjs');
    for (const [name, text] of Object.entries({ ...texts, 'inventory.yaml': inventory })) {
      await writeFile(join(folder, name), text);
      await copy(join(folder, name), `/opt/harden/${name}`);
    }
    await mail.must('chmod -R a+rX /opt/harden');
  }

  it.each(['root', 'admin'])('works on the host itself, for %s, without a connection', async (user) => {
    await mail.must('rm -f /etc/reached');
    await install(files);
    const before = await mail.connections();
    const here = (command: string) => mail.exec(`cd /opt/harden && ./node harden.cjs ${command}`, { user });
    const applied = await here('apply --yes --json');
    expect(applied.code, applied.stderr).toBe(0);
    expect(JSON.parse(applied.stdout).hosts[0]).toMatchObject({ status: 'changed', connections: 0 });
    expect(await mail.must('cat /etc/reached; stat -c %U /etc/reached')).toBe('by playbook\nroot');
    expect((await here('check')).code).toBe(0);
    expect((await here('doctor')).stdout).toMatch(/= name +this machine itself\n.*\n1 host: 1 ready\n/s);
    expect(await mail.connections()).toBe(before);
  });

  it.each([
    ['y', 0, 'you can still get in, as you say', '1 changed and proven', 'VERBOSE'],
    ['', 4, '', 'nobody said that a login from elsewhere works, so the host undid it', 'none'],
    ['n', 4, '', 'nobody said that a login from elsewhere works, so the host undid it', 'none'],
  ])('asks who is at the terminal whether a login works: %s', async (answer, code, told, became, level) => {
    const path = '/etc/ssh/sshd_config.d/local.conf';
    const task = { id: 'sshd', name: 'sshd', file: { path, content: 'LogLevel VERBOSE\n' } };
    await install({ 'playbook.yaml': stringify({ name: 'sshd', tasks: [task] }) });
    const { stdout } = await mail.exec(`cd /opt/harden; rm -f ${path} in; mkfifo in
      said() { i=0; until grep -q "$1" out || [ $i -gt 300 ]; do sleep 0.1; i=$((i + 1)); done; }
      : > out; script -qfec './node harden.cjs apply --confirm-timeout 10' out < in >/dev/null & exec 3> in
      said 'Apply to'; echo y >&3; said 'does that work'; ${answer && `echo ${answer} >&3`}
      wait $!; echo "status $?"; cat out; cat ${path} || echo none`);
    expect(stdout).toMatch(new RegExp(`^status ${code}\n`));
    expect(stdout).toContain('this machine itself: no login from elsewhere confirms');
    expect(stdout).toContain('you have to confirm that a login from elsewhere still works');
    expect(stdout).toContain(told);
    expect(stdout).toContain(became);
    expect(stdout.trimEnd().split('\n').at(-1)).toContain(level);
    await mail.must(`rm -f ${path}`);
  });

  it('claims no login where nobody is asked', async () => {
    const path = '/etc/ssh/sshd_config.d/local.conf';
    const task = { id: 'sshd', name: 'sshd', file: { path, content: 'LogLevel VERBOSE\n' } };
    await install({ 'playbook.yaml': stringify({ name: 'sshd', tasks: [task] }) });
    const { code, stderr } = await mail.exec('cd /opt/harden; ./node harden.cjs apply --yes');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('that a login from elsewhere still works is not proven');
    expect(stderr).not.toContain('a new login worked');
    await mail.must(`rm -f ${path}`);
  });
});
