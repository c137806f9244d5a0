import { afterAll, beforeAll, expect, it } from 'vitest';
import { login, startHost, type TestHost } from './host.ts';
import { applyTasks, statuses } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
  // a link without a carrier, whose routes the kernel tells of in words that it does not take, stands before the others
  await host.must(`ip link add aa type veth peer name bb; ip link set aa up; ip addr add 198.51.100.1/24 dev aa
    ip route add 203.0.113.0/24 via 198.51.100.9`);
});
afterAll(() => host?.stop());

const WAY = 'ip -o link show up | cut -d: -f2; ip -o -4 addr; ip route';

it.each([
  ['a link that was taken down', 'ip link set eth0 down'],
  ['addresses that were taken away', 'ip addr flush dev eth0'],
  ['a route that was taken away', 'ip route del default; ip route flush dev eth0'],
])('a guarded command does not keep the host away: %s', async (_, run) => {
  const before = await host.must(WAY);
  const command = { run, unless: 'false', guarded: true };
  const result = await applyTasks(host, { network: { command } }, 10);
  expect(result.exitCode, result.text).toBe(4);
  expect(statuses(result)).toEqual({ network: 'rolled-back' });
  expect(result.tasks.network?.reason).not.toContain('could not be put back');
  expect(await host.must(WAY)).toBe(before);
  expect((await login(host, 'true')).code).toBe(0);
});
