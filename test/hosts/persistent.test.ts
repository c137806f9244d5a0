import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
const RULES = '/etc/iptables/rules.v4';

const consent = { vars: { replace_published_rules: true } };
const limits = (args: readonly string[] = []) => ({ args: ['--task', 'firewall.limits', ...args] });

beforeAll(async () => {
  host = await startHost();
  await host.install('--no-install-recommends iptables-persistent needrestart');
});
afterAll(() => host?.stop());

describe.sequential('needrestart, told to restart whatever is outdated', () => {
  const pid = () => host.must('systemctl show -P MainPID outdated');

  it('restarts nothing while packages are installed', async () => {
    await host.must(`echo '$nrconf{restart} = "a";' >/etc/needrestart/conf.d/auto.conf
      cp /bin/sleep /usr/bin/outdated
      printf '[Service]\\nType=exec\\nExecStart=/usr/bin/outdated infinity\\n' >/etc/systemd/system/outdated.service
      systemctl daemon-reload; systemctl start outdated
      cp /usr/bin/outdated /usr/bin/outdated.new; mv /usr/bin/outdated.new /usr/bin/outdated`);
    const before = await pid();
    expect(before).not.toBe('0');
    const applied = await record('apply', host.inventory());
    expect(applied.exitCode, applied.text).toBe(0);
    expect(applied.tasks['fail2ban.installed']?.status).toBe('changed');
    expect(await pid()).toBe(before);
  });

  it('would have, and does so with the next package of somebody else', async () => {
    const before = await pid();
    await host.install('tree');
    expect(await pid()).not.toBe(before);
  });
});

describe.sequential('rules that netfilter-persistent loads at boot', () => {
  /** Saved before the limits came, with two pairs of the guide and somebody's own rules around them. */
  const OLD = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 192.0.2.1/32 -j DROP
-A INPUT -p tcp -m tcp --dport 25 -m state --state NEW -m recent --set --name DDOS-SMTP --mask 255.255.255.255 --rsource
-A INPUT -p tcp -m tcp --dport 25 -m state --state NEW -m recent --update --seconds 60 --hitcount 4 --name DDOS-SMTP --mask 255.255.255.255 --rsource -j DROP
-A INPUT -s 192.0.2.2/32 -j DROP
COMMIT
`;
  const kept = OLD.split('\n')
    .filter((line) => !line.includes('recent'))
    .join('\n')
    .trim();

  it('are those that stood there with ours: a boot brings each once', async () => {
    await host.must('netfilter-persistent save');
    await host.cutPower();
    const seen = await record('check', host.inventory());
    expect(seen.exitCode, seen.text).toBe(0);
    expect(seen.tasks['firewall.limits']?.notes).toContainEqual(
      expect.stringMatching(/^Other firewall managers on this host: netfilter-persistent\.service\./),
    );
    const [manager, from, until, fail2ban] = (
      await host.must(`systemctl show -P ActiveEnterTimestampMonotonic netfilter-persistent
        systemctl show -P InactiveExitTimestampMonotonic -P ActiveEnterTimestampMonotonic harden-limits
        systemctl show -P InactiveExitTimestampMonotonic fail2ban`)
    )
      .split('\n')
      .filter(Boolean)
      .map(Number);
    expect(manager).toBeLessThanOrEqual(from!);
    expect(until).toBeLessThanOrEqual(fail2ban!);
  });

  it('bring our chain back after it was taken away: that is said', async () => {
    const seen = await record('check', host.inventory(), limits(['--var', 'state=absent']));
    expect(seen.exitCode, seen.text).toBe(2);
    expect(seen.tasks['firewall.limits']?.notes).toEqual([
      expect.stringMatching(/^\/etc\/iptables\/rules\.v4 holds the chain HARDEN, /),
      expect.stringMatching(/^\/etc\/iptables\/rules\.v6 holds the chain HARDEN, /),
    ]);
  });

  it('and hold pairs of the guide are found before that boot, with their lines', async () => {
    await host.must(`cat >${RULES} <<'END'\n${OLD}END\nchmod 600 ${RULES}`);
    for (const command of ['check', 'apply'] as const) {
      const seen = await record(command, host.inventory(), limits());
      expect(seen.exitCode, seen.text).toBe(3);
      expect(seen.tasks['firewall.limits']).toMatchObject({
        status: 'blocked',
        reason: expect.stringMatching(
          /^2 rules made by hand in \/etc\/iptables\/rules\.v4, which netfilter-persistent loads at boot, count into DDOS-SMTP as well/,
        ),
        notes: expect.arrayContaining([
          expect.stringMatching(/^\/etc\/iptables\/rules\.v4:6: made by hand: -A INPUT -p tcp/),
          expect.stringMatching(/^\/etc\/iptables\/rules\.v4:7: made by hand: -A INPUT -p tcp/),
        ]),
      });
    }
    expect(await host.must(`cat ${RULES}`)).toBe(OLD.trim());
  });

  it('lose them with consent, and nothing else', async () => {
    const applied = await record('apply', host.inventory(consent), limits());
    expect(applied.exitCode, applied.text).toBe(0);
    expect(await host.must(`cat ${RULES}; stat -c %a ${RULES}`)).toBe(`${kept}\n600`);
    expect((await record('check', host.inventory(), limits())).exitCode).toBe(0);
    await host.cutPower();
    const seen = await record('check', host.inventory());
    expect(seen.exitCode, seen.text).toBe(0);
    expect(await host.must('iptables -S INPUT | grep -v f2b-')).toBe(
      '-P INPUT ACCEPT\n-A INPUT -j HARDEN\n-A INPUT -s 192.0.2.1/32 -j DROP\n-A INPUT -s 192.0.2.2/32 -j DROP',
    );
  });

  it('wipe ours when they are loaded again: that is drift, and mended', async () => {
    await host.must('systemctl restart netfilter-persistent');
    const seen = await record('check', host.inventory(), limits());
    expect(seen.exitCode, seen.text).toBe(2);
    expect(seen.tasks['firewall.limits']?.reason).toMatch(/^ipv4: the chain HARDEN is missing/);
    const applied = await record('apply', host.inventory(), limits());
    expect(applied.exitCode, applied.text).toBe(0);
    const last = await record('check', host.inventory());
    expect(last.exitCode, last.text).toBe(0);
  });
});
