import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult, TaskResult } from '../../src/report/result.ts';
import { folderOf, harden } from './cli.ts';
import { startHost, type TestHost } from './host.ts';

let host: TestHost;
let folder: string;

/** Runs a command with `--json` and gives its record. */
async function run(command: string, ...args: string[]): Promise<RunResult & { text: string }> {
  const { code, stdout, stderr } = await harden([command, 'inventory.yaml', '--json', ...args], {
    cwd: folder,
  });
  const result = JSON.parse(stdout) as RunResult;
  expect(result.exitCode, stderr).toBe(code);
  return { ...result, text: stderr };
}

const tasks = (result: RunResult): Record<string, TaskResult> =>
  Object.fromEntries(result.hosts[0]!.tasks.map((task) => [task.id, task]));
const statuses = (result: RunResult) =>
  Object.fromEntries(Object.entries(tasks(result)).map(([id, { status }]) => [id, status]));

/** Somebody else's things, which have to be there afterwards exactly as before. */
const FOREIGN = {
  rules: "iptables-save -t filter | grep -v -e '^#' -e '^:' -e HARDEN -e f2b-",
  chains: "iptables-save -t filter | grep '^:' | grep -v -e HARDEN -e f2b- | sed 's/ \\[.*//'",
  jail: 'cat /etc/fail2ban/jail.d/other.conf',
  log4j2: 'stat -c "%a %U %G" /opt/james/conf/log4j2.xml',
};

async function foreign(): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  for (const [name, script] of Object.entries(FOREIGN)) seen[name] = await host.must(script);
  return seen;
}

beforeAll(async () => {
  host = await startHost();
  // tests log in more often than the limit of the shipped playbook allows
  folder = folderOf({ 'inventory.yaml': host.inventory({ ssh_hitcount: 255 }) });
});
afterAll(async () => {
  await host?.stop();
  rmSync(folder, { recursive: true });
});

/** One host from fresh to hardened; each step stands on the one before. */
describe('a fresh host', () => {
  it('is looked at without a trace', async () => {
    await host.must('apt-get -q update');
    const before = await host.diff();
    const marks =
      'find / -xdev -newer /run/mark ! -path "/proc/*" ! -path "/sys/*" ! -path "/run/*" ! -path "/var/log/*" -print; iptables-save | wc -c; lsmod 2>/dev/null | wc -l';
    await host.must('touch /run/mark; sleep 1.1');
    const result = await run('check');
    expect(result.exitCode).toBe(2);
    expect(await host.diff()).toEqual(before);
    // nothing but what any login with sudo leaves
    expect(
      (await host.must(marks)).split('\n').filter((line) => !/^\/home\/admin|^\/$|^\/home$/.test(line)),
    ).toEqual(['0', '0']);
    expect(await host.must('ls -A /tmp /var/tmp | grep -v systemd-private || :')).toBe('/tmp:\n\n/var/tmp:');
    expect(statuses(result)).toEqual({
      'firewall.installed': 'ok',
      'fail2ban.installed': 'drift',
      'firewall.limits': 'drift',
      'james.log4j2': 'drift',
      'james.log': 'drift',
      'fail2ban.filter': 'unknown',
      'fail2ban.sshd': 'unknown',
      'fail2ban.james': 'unknown',
      'fail2ban.running': 'unknown',
      'fail2ban.proof': 'unknown',
    });
    expect(tasks(result)['fail2ban.james']?.reason).toBe('unknown until fail2ban.installed has been applied');
    expect(result.hosts[0]).toMatchObject({ roundTrips: 1, connections: 1 });
  });

  it('is made as declared, and that is proven', async () => {
    await host.must(
      'iptables -N MINE; iptables -A MINE -s 192.0.2.1 -j DROP; iptables -A INPUT -p tcp --dport 8080 -j ACCEPT; iptables -A INPUT -j MINE',
    );
    await host.must(
      "mkdir -p /etc/fail2ban/jail.d; printf '[other]\\nenabled = false\\n' > /etc/fail2ban/jail.d/other.conf",
    );
    const before = await foreign();
    const result = await run('apply', '--yes');
    expect(result.exitCode, result.text).toBe(0);
    expect(result.hosts[0]).toMatchObject({ status: 'changed', connections: 2 });
    // look, packages, all the rest; and the confirmation
    expect(result.hosts[0]?.roundTrips).toBe(4);
    expect(await foreign()).toEqual(before);
    expect(tasks(result)['fail2ban.proof']?.reason).toBe('Lines: 8 lines, 0 ignored, 8 matched, 0 missed');
  });

  it('is then in sync, in one connection and one exec, by its own log', async () => {
    const [connections, commands] = [await host.sshLog('Connection from'), await host.sudoCommands()];
    const result = await run('check');
    expect(result.exitCode, result.text).toBe(0);
    expect(result.hosts[0]).toMatchObject({ status: 'ok', roundTrips: 1, connections: 1 });
    expect(await host.sshLog('Connection from')).toBe(connections + 1);
    expect(await host.sudoCommands()).toBe(commands + 1);
    for (const task of result.hosts[0]!.tasks) expect(task.reason, task.id).not.toBe('');
  });

  it('is not changed by a second apply', async () => {
    const files =
      'find /etc /opt/james/conf -type f -exec stat -c "%n %Z" {} + | sort; iptables-save | grep -v "^[#:]" | sed "s/^\\[.*\\] //"; systemctl show -P ActiveEnterTimestamp fail2ban';
    const before = await host.must(files);
    const result = await run('apply', '--yes');
    expect(result.exitCode).toBe(0);
    expect(result.hosts[0]?.status).toBe('ok');
    expect(result.text).toContain('nothing had to be changed');
    expect(await host.must(files)).toBe(before);
  });

  it('runs with the wanted values', async () => {
    const value = (jail: string, name: string) => host.must(`fail2ban-client get ${jail} ${name}`);
    for (const [jail, values] of [
      ['sshd', ['7200', '3600', '2']],
      ['james', ['7200', '1200', '2']],
    ] as const) {
      expect([
        await value(jail, 'bantime'),
        await value(jail, 'findtime'),
        await value(jail, 'maxretry'),
      ]).toEqual(values);
      expect(await host.must(`fail2ban-client status ${jail}`)).toContain(`Status for the jail: ${jail}`);
    }
    expect(await host.must('fail2ban-client get james logpath')).toContain('/opt/james/log/james.log');
    expect(await host.must('stat -c "%U %a" /opt/james/log/james.log /opt/james/conf/log4j2.xml')).toBe(
      'james 644\njames 600',
    );
  });

  it('keeps all of it over a restart, each rule once', async () => {
    const rules = "iptables-save -t filter | grep HARDEN | grep '^-A' | sed 's/ *$//' | sort";
    const before = await host.must(rules);
    expect(before.split('\n')).toHaveLength(12);
    await host.restart();
    folder = folderOf({ 'inventory.yaml': host.inventory({ ssh_hitcount: 255 }) });
    expect(await host.must(rules)).toBe(before);
    expect(await host.must('systemctl is-active fail2ban harden-limits')).toBe('active\nactive');
    const result = await run('check');
    expect(result.exitCode, result.text).toBe(0);
  });

  it('is verified', async () => {
    const result = await run('verify');
    expect(result.exitCode).toBe(0);
    expect(tasks(result)['fail2ban.proof']?.reason).toBe('Lines: 8 lines, 0 ignored, 8 matched, 0 missed');
  });

  it.each([
    ['a value changed in the running server', 'fail2ban-client set james maxretry 7', 'fail2ban.james', /7/],
    [
      'a value changed in the file',
      "sed -i '/^.james/,$ s/^findtime.*/findtime = 1m/' /etc/fail2ban/jail.d/james.conf",
      'fail2ban.james',
      /findtime/,
    ],
    ['the filter emptied', ': > /etc/fail2ban/filter.d/james.conf', 'fail2ban.filter', /./],
    ['fail2ban stopped', 'systemctl stop fail2ban', 'fail2ban.running', /inactive/],
    ['fail2ban disabled', 'systemctl disable fail2ban 2>/dev/null', 'fail2ban.running', /boot/],
    ['a rule deleted', 'iptables -D HARDEN 5', 'firewall.limits', /./],
    ['the jump deleted', 'iptables -D INPUT -j HARDEN', 'firewall.limits', /jump/],
    ['the jump doubled', 'iptables -A INPUT -j HARDEN', 'firewall.limits', /./],
    [
      'the limits no longer loaded at boot',
      'systemctl disable harden-limits 2>/dev/null',
      'firewall.limits',
      /boot/,
    ],
    [
      'the appender taken out',
      "sed -i 's/HardenJames/Other/' /opt/james/conf/log4j2.xml",
      'james.log4j2',
      /./,
    ],
    [
      'the log given to root',
      'chown root:root /opt/james/log/james.log',
      'james.log',
      /owner is root, wanted james/,
    ],
    [
      'the package removed',
      'DEBIAN_FRONTEND=noninteractive apt-get -q -y remove fail2ban',
      'fail2ban.installed',
      /not installed/,
    ],
  ])('sees and repairs: %s', async (_, drift, id, reason) => {
    await host.must(drift);
    const found = await run('check');
    expect(found.exitCode, found.text).toBe(2);
    expect(tasks(found)[id]?.status, found.text).toBe('drift');
    expect(tasks(found)[id]?.reason).toMatch(reason);
    const applied = await run('apply', '--yes');
    expect(applied.exitCode, applied.text).toBe(0);
    expect((await run('check')).exitCode).toBe(0);
  });

  it('tells a second operator who is at work', async () => {
    await host.must(
      'systemd-run -q --unit=harden-run.service sleep 60; printf "ann@desk, since noon\\n" > /var/lib/harden/runs/current/holder',
    );
    await host.must('fail2ban-client set james maxretry 7');
    const result = await run('apply', '--yes');
    expect(result.exitCode).toBe(75);
    expect(result.hosts[0]?.reason).toContain('ann@desk, since noon');
    await host.must('systemctl stop harden-run');
    expect((await run('apply', '--yes')).exitCode).toBe(0);
  });
});

describe('an unfinished command line', () => {
  it('asks before it changes anything, and needs --yes where nobody can answer', async () => {
    const { code, stderr } = await harden(['apply', 'inventory.yaml'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('--yes');
  });
});
