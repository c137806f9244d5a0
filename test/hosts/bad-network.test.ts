import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BadNetwork, startBadNetwork } from './bad-network.ts';
import { isLong } from './distributions.ts';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';
import { changed, snapshotOf } from './snapshot.ts';

let host: TestHost;
let network: BadNetwork;
beforeAll(async () => {
  host = await startHost();
  network = await startBadNetwork(host.ip);
});
afterAll(async () => {
  network?.stop();
  await host?.stop();
});

let minutes = 20;
/** An inventory of the host behind the bad network, with values that the host does not have yet. */
const others = () => host.inventory({ entry: network.entry, vars: { james_findtime: `${++minutes}m` } });
const same = (vars = {}) =>
  host.inventory({ entry: network.entry, vars: { james_findtime: `${minutes}m`, ...vars } });

it('300 ms of latency: a fresh host converges, over one connection and one that confirms', async () => {
  network.next({ delay: 150 });
  const result = await record('apply', others());
  expect(result.exitCode, result.text).toBe(0);
  expect(result.host).toMatchObject({ status: 'changed', connections: 2 });
  const again = await record('check', same());
  expect(again.exitCode, again.text).toBe(0);
  expect(again.host).toMatchObject({ connections: 1, roundTrips: 1 });
  network.next({});
});

/** Where in what goes one way over a connection it is reset: a share of all of it. */
const SHARES = isLong ? [0.002, 0.05, 0.3, 0.6, 0.9, 0.999] : [0.05, 0.6, 0.999];
const ways = ['to-host', 'from-host'] as const;
const ROWS = ways.flatMap((way) => SHARES.map((share) => [way, share] as const));

/** Nothing that a cut run left is at work any more. */
const quiet = () =>
  host.must(`i=0; while systemctl -q is-active harden-run || pgrep -f '[s]h -s --' >/dev/null; do
    sleep 0.2; i=$((i + 1)); [ $i -lt 100 ] || { ps ax; exit 1; }
  done`);

describe.sequential('a connection that is reset while check looks', () => {
  let whole: BadNetwork['bytes'][number];
  beforeAll(async () => {
    network.next({});
    expect((await record('check', same())).exitCode).toBe(0);
    whole = network.bytes[0]!;
  });

  it.each(ROWS)('%s, at %f of all: one sentence, and nothing stays behind', async (way, share) => {
    const before = await snapshotOf(host);
    network.next({ reset: { way, after: Math.floor(whole[way] * share) } });
    const result = await record('check', same());
    // what was to come after the answer is no loss
    if (share < 0.9 || result.exitCode !== 0) {
      expect(result.exitCode, result.text).toBe(3);
      expect(result.host.status).toBe('unreachable');
      expect(result.host.reason).toMatch(
        /^[^\n]*(was lost|ended the connection|closed the connection|does not speak)[^\n]* Nothing was changed there\.$/,
      );
    }
    expect(network.bytes).toHaveLength(1);
    await quiet();
    expect(changed(before.state, (await snapshotOf(host)).state)).toEqual([]);
  });
});

describe.sequential('a connection that is reset while apply works', () => {
  let whole: BadNetwork['bytes'][number];
  beforeAll(async () => {
    network.next({});
    const result = await record('apply', others());
    expect(result.exitCode, result.text).toBe(0);
    whole = network.bytes[0]!;
  });
  const file = '/etc/fail2ban/jail.d/james.conf';

  it.each(ROWS)('%s, at %f of all: old or new, and the next run converges', async (way, share) => {
    const old = await host.must(`cat ${file}`);
    network.next({ reset: { way, after: Math.floor(whole[way] * share) } });
    const result = await record('apply', others());
    // one that had begun is followed to its end over another connection; one that had not never begins
    expect([0, 3], result.text).toContain(result.exitCode);
    if (result.exitCode === 3)
      expect(result.host.reason).toMatch(
        /^[^\n]{20,700}\. (This run changed nothing\. Run again|Nothing was changed there)\.$/,
      );
    // the one that confirms, and two more at most to see what became of it
    expect(network.bytes.length).toBeLessThanOrEqual(4);
    await quiet();
    const now = await host.must(`cat ${file}`);
    const wanted = old.replace(/^findtime = .*$/m, `findtime = ${minutes}m`);
    expect(wanted).not.toBe(old);
    expect(now, result.text).toBe(result.exitCode === 0 ? wanted : old);

    network.next({});
    const seen = await record('check', same());
    expect(seen.exitCode, seen.text).toBe(now === wanted ? 0 : 2);
    const next = await record('apply', same());
    expect(next.exitCode, next.text).toBe(0);
    expect(await host.must('fail2ban-client status')).toMatch(/Jail list:\s+james, sshd$/m);
  });

  it('in the login that confirms: it is tried once more', async () => {
    network.next({ reset: { way: 'to-host', after: 1000, connections: [1] } });
    const result = await record('apply', same({ smtp_hitcount: 8 }));
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host).toMatchObject({ status: 'changed', connections: 3 });
  });

  it('in each login that would confirm: the host undoes it, and the next run converges', async () => {
    const before = await host.must('iptables -S HARDEN');
    const vars = { smtp_hitcount: 9 };
    network.next({ reset: { way: 'to-host', after: 1000, connections: [1, 2, 3] } });
    const result = await record('apply', same(vars), { args: ['--confirm-timeout', '10'] });
    expect(result.exitCode, result.text).toBe(4);
    expect(await host.must('iptables -S HARDEN')).toBe(before);
    network.next({});
    const next = await record('apply', same(vars));
    expect(next.exitCode, next.text).toBe(0);
  });
});
