import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
  expect((await record('apply', host.inventory())).exitCode).toBe(0);
});
afterAll(() => host?.stop());

/** What is done behind the tool's back, the task that must say so, and what it must say. */
const DRIFTS: readonly (readonly [name: string, script: string, task: string, reason: RegExp])[] = [
  [
    'a value of the running jail',
    'fail2ban-client set james maxretry 7',
    'fail2ban.james',
    /the running server has maxretry 7, wanted 2/,
  ],
  [
    'a value in the file of the jail',
    "sed -i '/james/,$ s/^findtime.*/findtime = 1m/' /etc/fail2ban/jail.d/james.conf",
    'fail2ban.james',
    /findtime is 1m, wanted 20m/,
  ],
  [
    'the section of sshd',
    "sed -i 's/^maxretry.*//' /etc/fail2ban/jail.d/defaults-debian.conf",
    'fail2ban.sshd',
    /maxretry/,
  ],
  [
    'a log that is no longer watched',
    'fail2ban-client set james dellogpath /opt/james/log/james.log',
    'fail2ban.james',
    /log/,
  ],
  ['a jail stopped', 'fail2ban-client stop james', 'fail2ban.james', /does not run/],
  ['the filter emptied', ': >/etc/fail2ban/filter.d/james.conf', 'fail2ban.filter', /differs/],
  ['fail2ban stopped', 'systemctl stop fail2ban', 'fail2ban.running', /it is inactive/],
  ['fail2ban disabled', 'systemctl -q disable fail2ban', 'fail2ban.running', /does not start at boot/],
  ['fail2ban masked', 'systemctl -q stop fail2ban; systemctl -q mask fail2ban', 'fail2ban.running', /masked/],
  ['a rule deleted', 'iptables -D HARDEN 5', 'firewall.limits', /DDOS-SSH/],
  [
    'a rule doubled',
    "iptables -A HARDEN $(iptables -S HARDEN | sed -n '4s/-A HARDEN //p')",
    'firewall.limits',
    /DDOS|twice/,
  ],
  [
    'the jump deleted',
    'iptables -D INPUT -j HARDEN',
    'firewall.limits',
    /the jump from INPUT to HARDEN is missing/,
  ],
  ['the jump doubled', 'ip6tables -A INPUT -j HARDEN', 'firewall.limits', /ipv6: .*jump/],
  ['INPUT flushed', 'iptables -F INPUT', 'firewall.limits', /jump/],
  ['the limits not loaded at boot', 'systemctl -q disable harden-limits', 'firewall.limits', /boot/],
  [
    'the rules for the next boot altered',
    'sed -i s/60/6/ /etc/harden/limits.v4',
    'firewall.limits',
    /limits.v4/,
  ],
  [
    'the appender altered',
    's=$(sed s/%enc{%msg}{CRLF}/%msg/ /opt/james/conf/log4j2.xml); echo "$s" >/opt/james/conf/log4j2.xml',
    'james.log4j2',
    /does not write/,
  ],
  [
    'the log given to root',
    'chown root:root /opt/james/log/james.log',
    'james.log',
    /owner is root, wanted james/,
  ],
  ['the log removed', 'rm /opt/james/log/james.log', 'james.log', /does not exist/],
  [
    'the package removed',
    'DEBIAN_FRONTEND=noninteractive apt-get -qq remove fail2ban >/dev/null',
    'fail2ban.installed',
    /fail2ban is not installed/,
  ],
];

describe.sequential('what changed behind its back is named, repaired, and then in sync', () => {
  it.each(DRIFTS)('%s', async (_name, script, id, reason) => {
    await host.must(script);
    const found = await record('check', host.inventory());
    expect(found.exitCode, found.text).toBe(2);
    expect(found.tasks[id], found.text).toMatchObject({
      status: 'drift',
      reason: expect.stringMatching(reason),
    });
    const repaired = await record('apply', host.inventory());
    expect(repaired.exitCode, repaired.text).toBe(0);
    const after = await record('check', host.inventory());
    expect(after.exitCode, after.text).toBe(0);
  });

  it('keeps the bans while it repairs', async () => {
    await host.must('fail2ban-client set james banip 192.0.2.66');
    await host.must("sed -i 's/^maxretry.*/maxretry = 9/' /etc/fail2ban/jail.d/james.conf");
    expect((await record('apply', host.inventory())).exitCode).toBe(0);
    expect(await host.must('fail2ban-client status james')).toContain('192.0.2.66');
    expect(await host.must('iptables-save | grep f2b-james')).toContain('192.0.2.66');
  });

  it('puts the old files back where fail2ban would not run with the new ones', async () => {
    const files = 'cat /etc/fail2ban/jail.d/james.conf; fail2ban-client status james | head -1';
    const before = await host.must(files);
    // the probe cannot know that this action does not exist until fail2ban is told to load it
    await host.must(
      "printf '[james]\\nbanaction = no-such-action\\n' >/etc/fail2ban/jail.d/aaa.conf; fail2ban-client set james maxretry 7",
    );
    const result = await record('apply', host.inventory({ vars: { james_findtime: '25m' } }));
    expect(result.exitCode, result.text).toBe(3);
    expect(result.text).toContain('are back as they were');
    expect(await host.must(files)).toBe(before);
    await host.must('rm /etc/fail2ban/jail.d/aaa.conf');
    expect((await record('apply', host.inventory())).exitCode).toBe(0);
  });
});
