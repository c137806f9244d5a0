import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DISTRIBUTIONS, testedDistribution } from './distributions.ts';
import { startHost, type TestHost } from './host.ts';
import { type Record, record } from './record.ts';
import { changed, type Snapshot, snapshotOf } from './snapshot.ts';

/** What is done to a hardened host behind the tool's back, and how the tool has to see it. */
export interface Drift {
  readonly name: string;
  readonly script: string;
  /** What of its task it changes, whose other parts are named and repaired as if they were alone. */
  readonly part?: string;
  /** Task id to what check says of it; of all others it has to say that they are as wanted. */
  readonly found: Readonly<{ [id: string]: RegExp }>;
  /** Whether the repair may start fail2ban or the limits' unit anew. */
  readonly starts?: true;
  /** Whether it is another one on each distribution. */
  readonly differs?: true;
  /** Whether it changes the whole running server, beside which no other drift of fail2ban can be seen. */
  readonly hidesJails?: true;
  /** What a person mends afterwards: apply takes away nothing that is not its own. */
  readonly mend?: string;
  /** Whether nothing could keep the bans. */
  readonly losesBans?: true;
}

const tested = testedDistribution();

/** What fail2ban bans with on the tested host. */
export const { bans } = DISTRIBUTIONS[tested];

const BAN = `
  fail2ban-client set james banip 192.0.2.66 >/dev/null; fail2ban-client set sshd banip 192.0.2.67 >/dev/null
  for i in $(seq 50); do
    { iptables-save; nft list ruleset; } 2>/dev/null | grep -q 192.0.2.67 && { iptables-save; nft list ruleset; } 2>/dev/null | grep -q 192.0.2.66 && break
    sleep 0.1
  done`;

/** All tasks of fail2ban: what a drift of the whole server keeps from being seen. */
const SERVER = /^fail2ban\./;

const tasksOf = ({ found }: Drift): string[] => Object.keys(found);

/** Whether one of them would be seen or repaired in another way beside the other. */
function disturb(one: Drift, other: Drift): boolean {
  const alone = ({ mend, losesBans }: Drift) => Boolean(mend ?? losesBans);
  const apart = Boolean(one.part && other.part) && one.part !== other.part;
  const hides = (server: Drift, task: string) => Boolean(server.hidesJails) && SERVER.test(task);
  return (
    alone(one) ||
    alone(other) ||
    // what may be started for the one would excuse what is started for the other
    one.starts !== other.starts ||
    tasksOf(one).some((task) => (task in other.found && !apart) || hides(other, task)) ||
    tasksOf(other).some((task) => hides(one, task))
  );
}

/** Drifts that can happen at the same time, each seen and repaired as if it were alone. */
export function groupDrifts(rows: readonly Drift[]): Drift[][] {
  const groups: Drift[][] = [];
  for (const row of rows) {
    const group = groups.find((others) => !others.some((other) => disturb(row, other)));
    if (group) group.push(row);
    else groups.push([row]);
  }
  return groups;
}

/**
 * One group after another on one host: check names exactly these drifts, apply repairs them and touches nothing else,
 * check finds the host in sync. The bans are there all the time.
 */
export function driftTimeline(groups: readonly (readonly Drift[])[]): void {
  let host: TestHost;
  let good: Snapshot;

  beforeAll(async () => {
    host = await startHost({ kind: 'hardened' });
    await host.must(BAN);
    good = await snapshotOf(host);
  });
  afterAll(() => host?.stop());

  describe.sequential.each(groups.map((rows) => ({ rows })))('$rows.length at the same time', ({ rows }) => {
    let seen: Record;
    let unchanged: readonly string[];
    let drifted: Snapshot;
    let isRepaired = false;

    beforeAll(async () => {
      for (const { script } of rows) await host.must(script, { seconds: 60 });
      drifted = await snapshotOf(host);
      seen = await record('check', host.inventory());
      unchanged = changed(drifted.state, (await snapshotOf(host)).state);
    });
    // a group that fails says nothing of the next one
    afterAll(async () => {
      if (isRepaired) return;
      for (const { mend } of rows) if (mend) await host.exec(mend);
      await record('apply', host.inventory());
    });

    it.each(rows.map((row) => [row.name, row] as const))('%s: is named', (_name, { found }) => {
      const named = wrong(seen);
      for (const [id, words] of Object.entries(found)) expect(named[id], seen.text).toMatch(words);
    });

    it('nothing else is named or changed, and apply repairs it', async () => {
      expect(seen.exitCode, seen.text).toBe(2);
      expect(Object.keys(wrong(seen)).sort(), seen.text).toEqual([...new Set(rows.flatMap(tasksOf))].sort());
      for (const id of new Set(rows.flatMap((row) => (row.part ? tasksOf(row) : [])))) {
        const said = wrong(seen)
          [id]!.split('; ')
          .filter((part) => part !== 'the file is right');
        expect(said, seen.text).toHaveLength(rows.filter((row) => id in row.found).length);
      }
      expect(unchanged).toEqual([]);

      const repaired = await record('apply', host.inventory());
      expect(repaired.exitCode, repaired.text).toBe(0);
      if (rows.some(({ losesBans }) => losesBans)) await host.must(BAN);
      const after = await snapshotOf(host);
      const mends = rows.flatMap(({ mend }) => mend ?? []);
      const foreign = mends.length > 0 ? changed(good.state, drifted.state) : [];
      expect(changed(good.state, after.state).filter((thing) => !foreign.includes(thing))).toEqual([]);
      const mayTouch = changed(good.state, drifted.state).map((thing) => thing.replace(/^\S+ /, 'file '));
      const mayStart = rows.some(({ starts }) => starts);
      expect(
        changed(drifted.touched, after.touched).filter(
          (thing) => !mayTouch.includes(thing) && !(mayStart && thing.startsWith('start of ')),
        ),
      ).toEqual([]);

      for (const mend of mends) await host.must(mend);
      isRepaired = true;
    });
  });

  // each group but the last is followed by a check that names the next one's drifts alone
  it('is in sync in the end', async () => {
    const last = await record('check', host.inventory());
    expect(last.exitCode, last.text).toBe(0);
  });
}

/** Task id to status and reason, of the tasks that are not as wanted. */
const wrong = ({ tasks }: Record): { readonly [id: string]: string } =>
  Object.fromEntries(
    Object.values(tasks)
      .filter(({ status }) => status !== 'ok')
      .map(({ id, status, reason }) => [id, `${status}: ${reason}`]),
  );
