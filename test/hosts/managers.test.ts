import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

const FIREWALL = { args: ['--tags', 'firewall'] };

let host: TestHost;

beforeAll(async () => {
  host = await startHost({ kind: 'hardened' });
  await host.install('--no-install-recommends ufw firewalld');
  await host.must('systemctl -q disable --now firewalld; systemctl -q disable ufw');
  // installing firewalld starts it, which wipes the limits
  const first = await record('apply', host.inventory(), FIREWALL);
  expect(first.exitCode, first.text).toBe(0);
});
afterAll(() => host?.stop());

interface Manager {
  readonly unit: string;
  /** Makes it manage the firewall, now and at every boot. */
  readonly on: string;
  /** The drift that this makes; none where the limits stay. */
  readonly drift?: RegExp;
  /** What people do with it later, and the drift that this makes. */
  readonly later: readonly (readonly [script: string, drift?: RegExp])[];
  readonly off: string;
}

const WIPED = /^ipv4: the chain HARDEN is missing.*ipv6: the chain HARDEN is missing/;

const NFTABLES = (head: string) => `cat >/etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
${head}
table inet own {
  chain input { type filter hook input priority filter; tcp dport 8080 drop; }
}
END
`;

const MANAGERS: readonly Manager[] = [
  {
    unit: 'ufw',
    on: 'ufw allow 22/tcp && ufw allow 25/tcp && ufw --force enable && systemctl -q enable --now ufw',
    later: [
      ['ufw reload'],
      ['systemctl restart ufw'],
      [
        'iptables -D INPUT -j HARDEN; iptables -A INPUT -j HARDEN',
        /^ipv4: the jump to HARDEN stands below a rule that may accept: "-j ufw-before-input"$/,
      ],
      [
        'iptables -I INPUT -p tcp --dport 22 -j ACCEPT',
        /^ipv4: the jump to HARDEN stands below a rule that may accept: "-p tcp -m tcp --dport 22 -j ACCEPT"$/,
      ],
    ],
    off: 'ufw --force disable; iptables -D INPUT -p tcp --dport 22 -j ACCEPT; systemctl -q disable --now ufw',
  },
  {
    unit: 'nftables',
    on: `${NFTABLES('')}systemctl -q enable --now nftables`,
    later: [
      ['systemctl reload nftables'],
      // stopping it flushes everything, whatever its file says
      ['systemctl restart nftables', WIPED],
      [`${NFTABLES('flush ruleset')}systemctl reload nftables`, WIPED],
    ],
    off: 'systemctl -q disable --now nftables',
  },
  {
    unit: 'firewalld',
    on: 'systemctl -q enable --now firewalld; firewall-cmd --state',
    drift: WIPED,
    later: [
      ['firewall-cmd --reload', WIPED],
      ['systemctl restart firewalld; firewall-cmd --state', WIPED],
    ],
    off: 'systemctl -q disable --now firewalld',
  },
];

/** check says the truth, and apply mends it. */
async function isSeen(why: string, drift?: RegExp) {
  const seen = await record('check', host.inventory(), FIREWALL);
  expect(seen.exitCode, `${why}: ${seen.text}`).toBe(drift ? 2 : 0);
  if (!drift) return seen;
  expect(seen.tasks['firewall.limits'], why).toMatchObject({
    status: 'drift',
    reason: expect.stringMatching(drift),
  });
  const applied = await record('apply', host.inventory(), FIREWALL);
  expect(applied.exitCode, `${why}: ${applied.text}`).toBe(0);
  return applied;
}

describe.sequential.each(MANAGERS)('a host with $unit', ({ unit, on, drift, later, off }) => {
  it('is in sync, or its drift is seen and mended', async () => {
    await host.must(on);
    await isSeen(on, drift);
    const seen = await isSeen('afterwards');
    expect(seen.tasks['firewall.limits']?.notes).toContainEqual(
      expect.stringMatching(`^Other firewall managers on this host: ${unit}\\.service\\. harden-limits`),
    );
    for (const [script, made] of later) {
      await host.must(script);
      await isSeen(script, made);
    }
  });

  it('is in sync after a boot: ours comes after it and before fail2ban', async () => {
    await host.cutPower();
    await isSeen('after the boot');
    expect(await host.must('iptables -S INPUT | grep -v f2b- | sed -n 2p')).toBe('-A INPUT -j HARDEN');
    expect(await host.must(`systemctl is-active ${unit}`)).toBe('active');
    const time = (name: string, at: string) =>
      host.must(`systemctl show -P ${at}TimestampMonotonic ${name}`).then(Number);
    expect(await time(unit, 'ActiveEnter')).toBeLessThanOrEqual(await time('harden-limits', 'InactiveExit'));
    expect(await time('harden-limits', 'ActiveEnter')).toBeLessThanOrEqual(
      await time('fail2ban', 'InactiveExit'),
    );
    await host.must(off);
    await record('apply', host.inventory(), FIREWALL);
    await isSeen(off);
  });
});
