import { afterEach, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record, statuses } from './record.ts';
import { changed, type Lasting, lastingState } from './snapshot.ts';

let host: TestHost;
afterEach(() => host?.stop());

const ABSENT = { args: ['--var', 'state=absent'] };

async function applied(): Promise<void> {
  const result = await record('apply', host.inventory());
  expect(result.exitCode, result.text).toBe(0);
}

async function takenAway(fresh: Lasting): Promise<void> {
  const planned = await record('check', host.inventory(), ABSENT);
  expect(planned.exitCode, planned.text).toBe(2);
  const result = await record('apply', host.inventory(), ABSENT);
  expect(result.exitCode, result.text).toBe(0);
  const after = await lastingState(host);
  expect(after.listing).toBe(fresh.listing);
  expect(changed(fresh.snapshot.state, after.snapshot.state)).toEqual([]);
  expect(await host.must('iptables-save; ip6tables-save; nft list ruleset 2>/dev/null || :')).not.toMatch(
    /HARDEN|DDOS|f2b/,
  );
  const last = await record('check', host.inventory(), ABSENT);
  expect(last.exitCode, last.text).toBe(0);
  expect(new Set(Object.values(statuses(last)))).toEqual(new Set(['ok']));
}

describe('state: absent', () => {
  it('leaves the host as it was before the first apply, and a second one changes nothing', async () => {
    host = await startHost();
    const fresh = await lastingState(host);
    await applied();
    // a later run has other values, and its records are not those of the first
    const again = await record(
      'apply',
      host.inventory({ vars: { james_findtime: '25m', smtp_hitcount: 9 } }),
    );
    expect(again.exitCode, again.text).toBe(0);
    await takenAway(fresh);
  });

  it.each([
    // which does not run everywhere: it looks for a log that only rsyslog writes
    ['as the distribution ships it', 'fail2ban', ':'],
    [
      'that reads the journal',
      'fail2ban python3-systemd',
      "printf '[sshd]\\nbackend = systemd\\n' >/etc/fail2ban/jail.local; systemctl restart fail2ban",
    ],
  ])('keeps a fail2ban %s, and what others did since', async (_name, packages, configure) => {
    host = await startHost();
    await host.must(
      `apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install ${packages} >/dev/null 2>&1; ${configure}`,
    );
    // a service that was just started answers a moment later
    await host.must('for i in $(seq 20); do fail2ban-client ping >/dev/null 2>&1 && break; sleep 0.1; done');
    const isActive = 'systemctl -q is-active fail2ban && fail2ban-client status || echo down';
    const wasActive = await host.must(isActive);
    const packaged = await host.must('cat /etc/fail2ban/jail.d/defaults-debian.conf');
    await applied();
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

  it('takes away what the first release made, whose runs noted neither packages nor units', async () => {
    host = await startHost();
    const fresh = await lastingState(host);
    await applied();
    await host.must(`for run in /var/lib/harden/runs/*/; do
      [ ! -L "\${run%/}" ] || continue
      if [ -s "$run/packages" ]; then
        echo "apt install -- 'fail2ban' 'python3-systemd' 'nftables' || { update && apt install -- 'fail2ban' 'python3-systemd' 'nftables'; }" >>"$run/job.sh"
      fi
      rm -rf "$run/packages" "$run/packages.before" "$run/units" "$run/after" "$run"/apt.*
    done`);
    // nor did they tell apt to remove nothing
    await host.must("sed -i 's/install --no-remove -- /install -- /' /var/log/apt/history.log");
    await applied();
    await takenAway(fresh);
  });
});
