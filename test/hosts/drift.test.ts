import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KERNEL_BANS, letAllPast, loseBan } from './attack.ts';
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
  [
    'another date pattern in the running jail',
    'fail2ban-client set james datepattern %Y',
    'fail2ban.filter',
    /the running jail james uses the date pattern/,
  ],
  [
    'a prefix that no line has',
    "fail2ban-client set james prefregex '^no such line <F-CONTENT>.+</F-CONTENT>$'",
    'fail2ban.filter',
    /the running jail james uses the prefix/,
  ],
  [
    'somebody spared at run time',
    'fail2ban-client set james addignoreip 192.0.2.99',
    'fail2ban.james',
    /spares 192.0.2.99, as no file says/,
  ],
  [
    'a jail without its action',
    'fail2ban-client set james delaction $(fail2ban-client get james actions | tail -1)',
    'fail2ban.james',
    /bans nobody: it has no action/,
  ],
  [
    'a jail that asks a program whom to ban',
    'fail2ban-client set james ignorecommand /bin/true',
    'fail2ban.james',
    /lets \/bin\/true decide/,
  ],
  [
    'a ban that the kernel lost',
    `fail2ban-client set james banip 192.0.2.77; ${loseBan('james', '192.0.2.77')}`,
    'fail2ban.james',
    /banned, but not in the kernel: 192.0.2.77/,
  ],
  [
    'bans below a rule that lets everybody through',
    letAllPast('james'),
    'fail2ban.james',
    /banned, but not in the kernel: 192.0.2.77/,
  ],
  [
    'sshd on another port, too',
    `printf 'Port 22\nPort 2222\n' >/etc/ssh/sshd_config.d/port.conf; systemctl reload ssh`,
    'fail2ban.sshd',
    /a ban closes ssh, but sshd listens on 22,2222/,
  ],
  ['the filter emptied', ': >/etc/fail2ban/filter.d/james.conf', 'fail2ban.filter', /differs/],
  [
    'the filter made writable for everybody',
    'chmod 666 /etc/fail2ban/filter.d/james.conf',
    'fail2ban.filter',
    /mode is 0666, wanted 0644/,
  ],
  [
    'the file of the jail given to another user',
    'chown james /etc/fail2ban/jail.d/james.conf',
    'fail2ban.james',
    /owner is james, wanted root/,
  ],
  [
    'several lines looked at as one',
    'fail2ban-client set james maxlines 5',
    'fail2ban.filter',
    /the running jail james uses 5 lines at once/,
  ],
  ['fail2ban stopped', 'systemctl stop fail2ban', 'fail2ban.running', /it is inactive/],
  ['fail2ban disabled', 'systemctl -q disable fail2ban', 'fail2ban.running', /does not start at boot/],
  ['fail2ban masked', 'systemctl -q stop fail2ban; systemctl -q mask fail2ban', 'fail2ban.running', /masked/],
  [
    'fail2ban enabled until the next boot only',
    'systemctl -q disable fail2ban; systemctl -q enable --runtime fail2ban',
    'fail2ban.running',
    /boot/,
  ],
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
  [
    'an address that another chain lets past the limits',
    'iptables -N f2b-own; iptables -A f2b-own -s 192.0.2.88 -j ACCEPT; iptables -I INPUT -p tcp --dport 25 -j f2b-own',
    'firewall.limits',
    /the jump to HARDEN stands below a rule that may accept/,
  ],
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
  ['the log closed to James', 'chmod 0 /opt/james/log/james.log', 'james.log', /mode is 0000, wanted 0600/],
  ['the log removed', 'rm /opt/james/log/james.log', 'james.log', /does not exist/],
  [
    'the package removed',
    'DEBIAN_FRONTEND=noninteractive apt-get -qq remove fail2ban >/dev/null',
    'fail2ban.installed',
    /fail2ban is not installed/,
  ],
];

/** What is not the tool's to repair: the script, the task that is blocked, what it must say, and how a person mends it. */
const BLOCKED: readonly (readonly [
  name: string,
  script: string,
  task: string,
  reason: RegExp,
  mend: string,
])[] = [
  [
    'a broken jail.local',
    "printf '[DEFAULT]\nwhat is this\n' >/etc/fail2ban/jail.local",
    'fail2ban.james',
    /\/etc\/fail2ban\/jail\.local:2 .*mend it/,
    'rm /etc/fail2ban/jail.local',
  ],
  [
    'an expression of somebody else in our jail',
    "printf '[james]\nfailregex = ^never$\n' >/etc/fail2ban/jail.d/zz.conf",
    'fail2ban.james',
    /jail\.d\/zz\.conf:2 sets failregex of \[james\]/,
    'rm /etc/fail2ban/jail.d/zz.conf',
  ],
  [
    'a ban that closes nothing',
    "printf '[DEFAULT]\\nbanaction = dummy\\n' >/etc/fail2ban/jail.local",
    'fail2ban.james',
    /jail\.local:2 makes dummy the ban action/,
    'rm /etc/fail2ban/jail.local',
  ],
  [
    'a part of the filter in another section',
    "printf '[Init]\\nmaxlines = 5\\n' >/etc/fail2ban/filter.d/james.local",
    'fail2ban.filter',
    /james\.local:2 sets maxlines and overrides/,
    'rm /etc/fail2ban/filter.d/james.local',
  ],
  [
    'everybody spared',
    "printf '[DEFAULT]\nignoreip = 0.0.0.0/0\n' >/etc/fail2ban/jail.local",
    'fail2ban.sshd',
    /jail\.local:2 spares every address/,
    'rm /etc/fail2ban/jail.local',
  ],
  [
    'a drop-in that keeps the limits from being loaded at boot',
    `mkdir -p /etc/systemd/system/harden-limits.service.d
     printf '[Service]\nExecStart=\nExecStart=/bin/true\n' >/etc/systemd/system/harden-limits.service.d/x.conf
     systemctl daemon-reload`,
    'firewall.limits',
    /harden-limits\.service\.d\/x\.conf changes harden-limits\.service/,
    'rm -r /etc/systemd/system/harden-limits.service.d; systemctl daemon-reload',
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

  it.each(BLOCKED)('but not %s', async (_name, script, id, reason, mend) => {
    await host.must(script);
    const before = await host.must('find /etc -newermt -1hour -type f -exec sha256sum {} + | sort');
    for (const command of ['check', 'apply'] as const) {
      const found = await record(command, host.inventory());
      expect(found.exitCode, found.text).toBe(3);
      expect(found.tasks[id], found.text).toMatchObject({
        status: 'blocked',
        reason: expect.stringMatching(reason),
      });
    }
    expect(await host.must('find /etc -newermt -1hour -type f -exec sha256sum {} + | sort')).toBe(before);
    await host.must(mend);
    expect((await record('check', host.inventory())).exitCode).toBe(0);
  });

  it('keeps the bans while it repairs', async () => {
    await host.must('fail2ban-client set james banip 192.0.2.66');
    await host.must("sed -i 's/^maxretry.*/maxretry = 9/' /etc/fail2ban/jail.d/james.conf");
    expect((await record('apply', host.inventory())).exitCode).toBe(0);
    expect(await host.must('fail2ban-client status james')).toContain('192.0.2.66');
    expect(await host.must(KERNEL_BANS)).toContain('192.0.2.66');
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
