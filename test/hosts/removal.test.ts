import { afterEach, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { rowsFor } from './long.ts';
import { record } from './record.ts';
import { ABSENT, applyPlaybook, expectTakenAway } from './removal.ts';
import { lastingState } from './snapshot.ts';

let host: TestHost;
afterEach(() => host?.stop());

describe('state: absent', () => {
  it('leaves the host as it was before the first apply, and a second one changes nothing', async () => {
    host = await startHost();
    const fresh = await lastingState(host);
    await applyPlaybook(host);
    // a later run has other values, and its records are not those of the first
    const again = await record(
      'apply',
      host.inventory({ vars: { james_findtime: '25m', smtp_hitcount: 9 } }),
    );
    expect(again.exitCode, again.text).toBe(0);
    await expectTakenAway(host, fresh);
  });

  const OWN: readonly (readonly [name: string, configure: string])[] = [
    // which does not run everywhere: it looks for a log that only rsyslog writes
    ['as the distribution ships it', ':'],
    [
      'that reads the journal',
      "printf '[sshd]\\nbackend = systemd\\n' >/etc/fail2ban/jail.local; systemctl restart fail2ban",
    ],
  ];
  it.each(rowsFor(OWN))('keeps a fail2ban %s, and what others did since', async (_name, configure) => {
    host = await startHost({ kind: 'fail2ban' });
    await host.must(configure);
    // a service that was just started answers a moment later
    await host.must('for i in $(seq 20); do fail2ban-client ping >/dev/null 2>&1 && break; sleep 0.1; done');
    const isActive = 'systemctl -q is-active fail2ban && fail2ban-client status || echo down';
    const wasActive = await host.must(isActive);
    const packaged = await host.must('cat /etc/fail2ban/jail.d/defaults-debian.conf');
    await applyPlaybook(host);
    await host.must(`printf '\\n[own]\\nenabled = false\\n' >>/etc/fail2ban/jail.d/defaults-debian.conf
      sed -i 's/<Configuration /<!-- mine -->\\n<Configuration /' /opt/james/conf/log4j2.xml
      iptables -A INPUT -s 192.0.2.8 -j DROP`);
    const result = await record('apply', host.inventory(), ABSENT);
    expect(result.exitCode, result.text).toBe(0);
    expect(result.tasks['fail2ban.installed']?.reason).not.toContain('installed fail2ban');
    expect(await host.must('cat /etc/fail2ban/jail.d/defaults-debian.conf')).toBe(
      `${packaged}\n\n[own]\nenabled = false`,
    );
    const log4j2 = await host.must('cat /opt/james/conf/log4j2.xml');
    expect(log4j2).toContain('<!-- mine -->');
    expect(log4j2).not.toContain('Harden');
    expect(await host.must('iptables-save')).toContain('-A INPUT -s 192.0.2.8/32 -j DROP');
    expect(await host.must(isActive)).toBe(wasActive);
    expect((await record('check', host.inventory(), ABSENT)).exitCode).toBe(0);
  });
});
