import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from '../shell.ts';
import { type Attacker, startAttacker, startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

const FIREWALL = { args: ['--tags', 'firewall'] };

let host: TestHost;
let attacker: Attacker;

beforeAll(async () => {
  [host, attacker] = await Promise.all([startHost({ kind: 'fail2ban', ipv6: false }), startAttacker()]);
});
afterAll(() => Promise.all([host?.stop(), attacker?.stop()]));

/** A container cannot write its own sysctls; one beside it, in the same network, can. Until the next boot. */
async function switchOn(container: string): Promise<void> {
  const image = (await $`docker inspect --format ${'{{.Config.Image}}'} ${container}`).stdout.trim();
  const options = ['--cap-add=NET_ADMIN', '--security-opt=systempaths=unconfined'];
  const switches = ['all', 'default', 'eth0'].map((name) => `net.ipv6.conf.${name}.disable_ipv6=0`);
  await $`docker run --rm --network=container:${container} ${options} ${image} sysctl -w ${switches}`;
}

/** An address of its own that the other container reaches, once the kernel has seen that nobody else has it. */
const ADDRESS = `for try in $(seq 50); do
  address=$(ip -6 -o addr show dev eth0 scope link -tentative | sed -n 's/.*inet6 \\([^/]*\\).*/\\1/p')
  [ -z "$address" ] || break; sleep 0.1
done; echo "$address"`;

const OFF = 'IPv6 is off on this host; its limits come with the first run that finds it on.';

async function isInSync(...notes: string[]) {
  const seen = await record('check', host.inventory(), FIREWALL);
  expect(seen.exitCode, seen.text).toBe(0);
  expect(seen.tasks['firewall.limits']?.notes.filter((note) => note === OFF)).toEqual(notes);
  expect(await host.must('systemctl is-active harden-limits')).toBe('active');
}

describe.sequential('a host with IPv6 switched off', () => {
  it('is hardened without it, and says so', async () => {
    expect(await host.must('cat /proc/net/if_inet6')).toBe('');
    const applied = await record('apply', host.inventory(), FIREWALL);
    expect(applied.exitCode, applied.text).toBe(0);
    await isInSync(OFF);
    await host.cutPower();
    await isInSync(OFF);
  });

  it('on which it is switched on: its limits are missing, and come', async () => {
    await switchOn(host.name);
    const seen = await record('check', host.inventory(), FIREWALL);
    expect(seen.exitCode, seen.text).toBe(2);
    expect(seen.tasks['firewall.limits']?.reason).toMatch(/^ipv6: the chain HARDEN is missing/);
    const applied = await record('apply', host.inventory(), FIREWALL);
    expect(applied.exitCode, applied.text).toBe(0);
    await isInSync();
  });

  it('has them for echo requests alone: neighbours are found by whoever is shut out', async () => {
    const icmp = await host.must('ip6tables -S HARDEN | grep icmp');
    for (const rule of icmp.split('\n')) expect(rule).toContain('-p ipv6-icmp -m icmp6 --icmpv6-type 128 ');
    const { stdout: name } = await attacker.exec('hostname');
    await switchOn(name.trim());
    const [address] = await Promise.all([host.must(ADDRESS), attacker.exec(ADDRESS)]);
    const pings: number[] = [];
    for (let n = 0; n < 6; n++) pings.push((await attacker.exec(`ping -6 -c 1 -W 1 ${address}%eth0`)).code);
    expect(pings).toEqual([0, 0, 0, 0, 0, 1]);
    const { stdout } = await attacker.exec(
      `ip -6 neigh flush dev eth0; ping -6 -c 1 -W 1 ${address}%eth0 >/dev/null; ip -6 neigh show ${address} dev eth0`,
    );
    expect(stdout).toMatch(/lladdr .* (REACHABLE|STALE|DELAY)/);
  });

  it('boots without it, with limits for it at hand, and is in sync', async () => {
    await host.cutPower();
    expect(await host.must('cat /proc/net/if_inet6; ls /etc/harden/limits.v6')).toBe('/etc/harden/limits.v6');
    await isInSync(OFF);
  });

  it('boots without it where nothing can load them, and is in sync; switched on, nothing is known', async () => {
    await host.must('mkdir /root/away; mv /usr/sbin/ip6tables* /root/away');
    await host.cutPower();
    await isInSync(OFF);
    await switchOn(host.name);
    const seen = await record('check', host.inventory(), FIREWALL);
    expect(seen.exitCode, seen.text).toBe(3);
    expect(seen.tasks['firewall.limits']).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^The ipv6 rules could not be looked at: .*not found/),
    });
    await host.must('mv /root/away/* /usr/sbin/');
    expect((await record('check', host.inventory(), FIREWALL)).exitCode).toBe(2);
    const applied = await record('apply', host.inventory(), FIREWALL);
    expect(applied.exitCode, applied.text).toBe(0);
    await isInSync();
  });
});
