import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fixtures } from '../repository.ts';
import { timed } from '../waits.ts';
import { failedLogin, KERNEL_BANS, showsBan } from './attack.ts';
import { type Attacker, startAttacker, startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
let attackers: Attacker[];
let trusted: Attacker;

/** A machine that has not yet been seen by the host. */
const fresh = (): Attacker => {
  const attacker = attackers.pop();
  if (!attacker) throw new Error('No unused attacker is left: start one more.');
  return attacker;
};

beforeAll(async () => {
  [host, trusted, attackers] = await Promise.all([
    startHost({ kind: 'hardened' }),
    startAttacker(),
    Promise.all(Array.from({ length: 7 }, () => startAttacker())),
  ]);
  // the limits as shipped: for this host alone the tests log in as seldom as people do
  const result = await record('apply', host.inventory({ vars: { ssh_hitcount: 6, trusted: [trusted.ip] } }));
  expect(result.exitCode, result.text).toBe(0);
  // something that answers, so that a ban is told from a port that nobody listens on
  await host.must(
    'systemd-run -q python3 -m http.server 25; systemd-run -q python3 -m http.server 110; systemd-run -q python3 -m http.server 143; sleep 1',
  );
});
afterAll(() => Promise.all([host, trusted, ...(attackers ?? [])].map((one) => one?.stop())));

const several = async (count: number, connect: () => Promise<string>): Promise<string[]> => {
  const seen: string[] = [];
  for (let index = 0; index < count; index++) seen.push(await connect());
  return seen;
};

describe('connection limits', () => {
  it.each([
    ['SMTP', 25, 4],
    ['POP3', 110, 4],
    ['IMAP', 143, 4],
    ['SSH', 22, 6],
  ])(
    '%s: the connection that reaches the hitcount is dropped, those before are not',
    async (_, port, hitcount) => {
      const attacker = fresh();
      const seen = await several(hitcount, () => attacker.connect(host.ip, port));
      expect(seen).toEqual([...Array(hitcount - 1).fill('open'), 'dropped']);
      await attacker.stop();
    },
  );

  it('lets one ping a second pass, but not a second pinger', async () => {
    const attacker = fresh();
    expect((await attacker.exec(`ping -q -c 7 -i 1 -W 1 ${host.ip}`)).stdout).toContain(' 0% packet loss');
    // longer than the five seconds that the limit looks back
    await timed('recent window', () => sleep(6000));
    const both = await attacker.exec(
      `ping -q -c 6 -i 0.5 -W 1 ${host.ip} & sleep 0.2; ping -q -c 6 -i 0.5 -W 1 ${host.ip}; wait`,
    );
    expect(both.stdout).not.toContain(' 0% packet loss');
    await attacker.stop();
  });

  it('never counts a trusted address', async () => {
    expect(new Set(await several(12, () => trusted.connect(host.ip, 25)))).toEqual(new Set(['open']));
    expect(new Set(await several(12, () => trusted.connect(host.ip, 22)))).toEqual(new Set(['open']));
    expect((await trusted.exec(`ping -q -c 20 -i 0.2 ${host.ip}`)).stdout).toContain(' 0% packet loss');
  });
});

describe('fail2ban', () => {
  const bans = async (): Promise<string> => host.must(KERNEL_BANS);
  afterEach(() =>
    host.must('fail2ban-client unban --all; for l in /proc/net/xt_recent/DDOS-*; do echo / >$l; done'),
  );

  it('bans after two failed logins of James, in the kernel, and not after one', async () => {
    const [once, twice] = [fresh(), fresh()];
    await host.must(failedLogin(once.ip, 1));
    await host.must(failedLogin(twice.ip, 2));
    expect(await showsBan(host, 'james', twice.ip)).toBe(true);
    expect(await twice.connect(host.ip, 25)).not.toBe('open');
    // a mistyped mail password must not close SSH
    expect(await twice.connect(host.ip, 22)).toBe('open');
    // the second was banned by the same reading of the log that found the first one's failure
    expect(await bans()).not.toContain(once.ip);
    expect(await once.connect(host.ip, 25)).toBe('open');
    expect(await host.must('fail2ban-client status james')).toMatch(/Total failed:\s+3/);
    attackers.push(once, twice);
  });

  it('bans after two wrong SSH logins', async () => {
    const attacker = fresh();
    const wrong = `ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null nobody-here@${host.ip} true`;
    await attacker.exec(`${wrong}; ${wrong}`);
    expect(await showsBan(host, 'sshd', attacker.ip)).toBe(true);
    expect(await attacker.connect(host.ip, 22)).not.toBe('open');
    attackers.push(attacker);
  });

  it('never bans a trusted address', async () => {
    const other = fresh();
    await host.must(`${failedLogin(trusted.ip, 5)}; ${failedLogin(other.ip, 2)}`);
    expect(await showsBan(host, 'james', other.ip)).toBe(true);
    expect(await bans()).not.toContain(trusted.ip);
    attackers.push(other);
  });

  it('counts each honest failure in the logs of attacked servers once, and no address that a client chose', async () => {
    const logs = join(fixtures, 'logs');
    for (const sample of readdirSync(logs).map((name) => readFileSync(join(logs, name)))) {
      await host.must(`echo ${sample.toString('base64')} | base64 -d >/tmp/attacked.log`);
      const found = await host.must(
        'fail2ban-regex --out ip /tmp/attacked.log /etc/fail2ban/filter.d/james.conf',
      );
      const addresses = found.split('\n');
      expect(new Set(addresses)).toEqual(new Set(['127.66.0.1', '127.66.0.2']));
      expect(addresses.filter((address) => address === '127.66.0.1')).toHaveLength(15);
    }
  });
});
