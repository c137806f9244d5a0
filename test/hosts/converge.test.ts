import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login, startHost, type TestHost } from './host.ts';
import { record as recordRun, statuses } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

const record: typeof recordRun = (command, inventory, options) =>
  recordRun(command, inventory, { ...options, ownProcess: true });

const PROOF = 'Lines: 8 lines, 0 ignored, 8 matched, 0 missed';

/** Somebody else's things, which have to be there afterwards exactly as before. */
const FOREIGN = `
iptables-save -t filter | grep -v -e '^#' -e HARDEN -e f2b- | sed 's/ \\[.*//'
ip6tables-save -t filter | grep -v -e '^#' -e HARDEN -e f2b- | sed 's/ \\[.*//'
iptables-save -t nat | grep -v '^#' | sed 's/ \\[.*//'
cat /etc/fail2ban/jail.d/other.conf`;

/** One host from fresh to hardened and restarted; each step stands on the one before. */
describe('a fresh host', () => {
  it('is looked at without a trace', async () => {
    // what is newer than a mark, in all file systems that last until the next boot or longer
    const mark = 'sleep 1.1; touch /run/mark; sleep 1.1';
    const newer = 'find / /run -xdev -newer /run/mark ! -path "/var/log/*" | sort; find /var/log | sort';
    await login(host, 'sudo -n true');
    await host.must(mark);
    await login(host, 'sudo -n true');
    const left = await host.must(newer);
    await host.must(mark);
    const result = await record('check', host.inventory());

    expect(result.exitCode, result.text).toBe(2);
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
    expect(result.tasks['fail2ban.james']?.reason).toBe('unknown until fail2ban.installed has been applied');
    expect(result.host).toMatchObject({ roundTrips: 1, connections: 1 });

    expect(await host.must(newer)).toBe(left);
    expect(await host.must('find /run /tmp /var/tmp -name "*harden*"; iptables-save; ip6tables-save')).toBe(
      '',
    );
  });

  it('is made as declared, which is proven, and nothing of others is touched', async () => {
    // as on a host whose lists of packages were never fetched
    await host.must(`rm -r /var/lib/apt/lists/*
      iptables -N MINE && iptables -A MINE -s 192.0.2.1 -j DROP
      iptables -A INPUT -p tcp --dport 8080 -j ACCEPT && iptables -A INPUT -j MINE
      ip6tables -A INPUT -p tcp --dport 8080 -j ACCEPT
      iptables -t nat -A PREROUTING -p tcp --dport 2525 -j REDIRECT --to-ports 25
      mkdir -p /etc/fail2ban/jail.d
      printf '[other]\\nenabled = true\\nfilter = sshd\\nbackend = systemd\\nmaxretry = 77\\n' >/etc/fail2ban/jail.d/other.conf`);
    const before = await host.must(FOREIGN);
    const result = await record('apply', host.inventory());
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host).toMatchObject({ status: 'changed', connections: 2 });
    expect(result.tasks['fail2ban.proof']?.reason).toBe(PROOF);
    expect(await host.must(FOREIGN)).toBe(before);
    expect(await host.must('fail2ban-client get other maxretry')).toBe('77');
    expect(
      await host.must(
        'find /etc /opt -name "*harden*" -newer /run/mark | grep -v -e /etc/harden -e harden-limits || :',
      ),
    ).toBe('');
  });

  it('is in sync then: one connection and one exec, counted by its own log', async () => {
    const before = [await host.connections(), await host.accepted(), await host.sudoCommands()];
    const result = await record('check', host.inventory());
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host).toMatchObject({ status: 'ok', roundTrips: 1, connections: 1 });
    expect([await host.connections(), await host.accepted(), await host.sudoCommands()]).toEqual(
      before.map((count) => count + 1),
    );
    for (const task of result.host.tasks) expect(task.reason, task.id).not.toBe('');
  });

  it('needs as little for one task as for all', async () => {
    const before = await host.sudoCommands();
    const result = await record('check', host.inventory(), { args: ['--task', 'fail2ban.james'] });
    expect(statuses(result)).toEqual({ 'fail2ban.james': 'ok' });
    expect(await host.sudoCommands()).toBe(before + 1);
  });

  it('is not changed by a second apply', async () => {
    const state = `
      find /etc /opt/james -type f -exec stat -c '%n %z' {} + | sort
      iptables-save | grep '^-A'; systemctl show -P ActiveEnterTimestamp fail2ban harden-limits`;
    const before = await host.must(state);
    const result = await record('apply', host.inventory());
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host).toMatchObject({ status: 'ok', connections: 1 });
    expect(result.text).toContain('nothing had to be changed');
    expect(await host.must(state)).toBe(before);
  });

  it('runs with the wanted values', async () => {
    for (const [jail, ...values] of [
      ['sshd', '7200', '3600', '2'],
      ['james', '7200', '1200', '2'],
    ] as const) {
      const running = ['bantime', 'findtime', 'maxretry'].map(
        (name) => `fail2ban-client get ${jail} ${name}`,
      );
      expect((await host.must(running.join(';'))).split('\n')).toEqual(values);
      expect(await host.must(`fail2ban-client status ${jail}`)).toContain(`Status for the jail: ${jail}`);
    }
    expect(await host.must('fail2ban-client get james logpath')).toContain('/opt/james/log/james.log');
    expect(await host.must('stat -c "%U %G %a" /opt/james/log/james.log /opt/james/conf/log4j2.xml')).toBe(
      'james james 644\njames james 600',
    );
  });

  it('is verified', async () => {
    const result = await record('verify', host.inventory());
    expect(result.exitCode, result.text).toBe(0);
    expect(result.tasks['fail2ban.proof']?.reason).toBe(PROOF);
  });

  it('keeps all of it over a restart: each rule once, before fail2ban', async () => {
    const rules = ['iptables', 'ip6tables']
      .map((command) => `${command}-save | grep -e '-A.*HARDEN' | sed 's/^/${command} /'`)
      .join(';');
    const before = await host.must(rules);
    const lines = before.split('\n');
    // for each family the jump, loopback, five pairs
    expect(lines).toHaveLength(2 * (1 + 1 + 5 * 2));
    expect(new Set(lines).size).toBe(lines.length);
    await host.cutPower();
    expect(await host.must(rules)).toBe(before);
    expect(await host.must('systemctl is-active fail2ban harden-limits')).toBe('active\nactive');
    const [limits, fail2ban] = (
      await host.must(
        'systemctl show -P ActiveEnterTimestampMonotonic harden-limits; systemctl show -P InactiveExitTimestampMonotonic fail2ban',
      )
    )
      .split('\n')
      .map(Number);
    expect(limits).toBeLessThan(fail2ban!);
    const result = await record('check', host.inventory());
    expect(result.exitCode, result.text).toBe(0);
  });
});
