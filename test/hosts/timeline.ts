import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DISTRIBUTIONS, testedDistribution } from './distributions.ts';
import { startHost, type TestHost } from './host.ts';
import { sample } from './long.ts';
import { record } from './record.ts';
import { changed, type Snapshot, snapshotOf } from './snapshot.ts';

/** What is done to a hardened host behind the tool's back, and how the tool has to see it. */
export interface Drift {
  readonly name: string;
  readonly script: string;
  /** Task id to what check says of it; of all others it has to say that they are as wanted. */
  readonly found: Readonly<{ [id: string]: RegExp }>;
  /** Whether the repair may start fail2ban or the limits' unit anew. */
  readonly starts?: true;
  /** What a person mends afterwards: apply takes away nothing that is not its own. */
  readonly mend?: string;
  /** Whether nothing could keep the bans. */
  readonly losesBans?: true;
}

const tested = testedDistribution();

/** What fail2ban bans with on the tested host. */
export const { bans } = DISTRIBUTIONS[tested];

/** Debian 11 differs from 12 in little that drifts: a third of the rows finds it, and the suite stays short. */
const EVERY = tested === 'debian11' ? 3 : 1;

const BAN = `
  fail2ban-client set james banip 192.0.2.66 >/dev/null; fail2ban-client set sshd banip 192.0.2.67 >/dev/null
  for i in $(seq 50); do
    { iptables-save; nft list ruleset; } 2>/dev/null | grep -q 192.0.2.67 && { iptables-save; nft list ruleset; } 2>/dev/null | grep -q 192.0.2.66 && break
    sleep 0.1
  done`;

/**
 * One after another on one host: check names exactly this drift, apply repairs it and touches nothing else, check
 * finds the host in sync. The bans are there all the time.
 */
export function driftTimeline(all: readonly Drift[]): void {
  const rows = sample(all, EVERY);
  let host: TestHost;
  let good: Snapshot;

  beforeAll(async () => {
    host = await startHost();
    const first = await record('apply', host.inventory());
    expect(first.exitCode, first.text).toBe(0);
    await host.must(BAN);
    good = await snapshotOf(host);
  });
  afterAll(() => host?.stop());
  // a row that fails says nothing of the next one
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await host.exec(rows.find(({ name }) => name === task.name)?.mend ?? ':');
    await record('apply', host.inventory());
  });

  describe.sequential('what changed behind its back is named, repaired, and then in sync', () => {
    it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
      const { script, found, starts, mend, losesBans } = row;
      await host.must(script);
      const drifted = await snapshotOf(host);

      const seen = await record('check', host.inventory());
      expect(seen.exitCode, seen.text).toBe(2);
      expect(wrong(seen), seen.text).toEqual(
        Object.fromEntries(Object.entries(found).map(([id, words]) => [id, expect.stringMatching(words)])),
      );
      expect(changed(drifted.state, (await snapshotOf(host)).state)).toEqual([]);

      const repaired = await record('apply', host.inventory());
      expect(repaired.exitCode, repaired.text).toBe(0);
      if (losesBans) await host.must(BAN);
      const after = await snapshotOf(host);
      const foreign = mend ? changed(good.state, drifted.state) : [];
      expect(changed(good.state, after.state).filter((thing) => !foreign.includes(thing))).toEqual([]);
      const mayTouch = changed(good.state, drifted.state).map((thing) => thing.replace(/^\S+ /, 'file '));
      expect(
        changed(drifted.touched, after.touched).filter(
          (thing) => !mayTouch.includes(thing) && !(starts && thing.startsWith('start of ')),
        ),
      ).toEqual([]);

      if (mend) await host.must(mend);
      const last = await record('check', host.inventory());
      expect(last.exitCode, last.text).toBe(0);
    });
  });
}

/** Task id to status and reason, of the tasks that are not as wanted. */
const wrong = ({ tasks }: Awaited<ReturnType<typeof record>>) =>
  Object.fromEntries(
    Object.values(tasks)
      .filter(({ status }) => status !== 'ok')
      .map(({ id, status, reason }) => [id, `${status}: ${reason}`]),
  );
