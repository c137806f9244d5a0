import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBadNetwork } from '../bad-network.ts';
import { runId } from '../engine.ts';
import { startHost, type TestHost } from '../host.ts';
import { rounds, seed } from '../long.ts';
import { isOldOrNew, jailsRun, saysWhatIsOwed, stateOf } from '../owed.ts';
import { applying, record, type Tool } from '../record.ts';
import { changed, type Snapshot, snapshotOf } from '../snapshot.ts';
import { arm, type Call, calls, imageOf, layTripwire, release, removeImage, waiting } from '../tripwire.ts';

/** Where a host stands before the run that is cut. */
interface Scenario {
  readonly name: string;
  /** Makes the host from the one before. */
  readonly make: (host: TestHost) => Promise<void>;
  /** Jails that run then. */
  readonly jails: readonly string[];
}

const ALL_JAILS = ['sshd', 'james'];
const SCENARIOS = [
  {
    name: 'a host with a fail2ban of its own',
    jails: ['sshd'],
    async make(host) {
      await host.must(
        `printf '[sshd]\\nbackend = systemd\\n' >/etc/fail2ban/jail.local; systemctl restart fail2ban`,
      );
      await layTripwire(host);
    },
  },
  {
    name: 'a hardened host that is to have other values',
    jails: ALL_JAILS,
    async make(host) {
      const vars = { james_findtime: '25m', sshd_maxretry: 3, smtp_hitcount: 9, james_log_size: '20 MB' };
      const result = await record('apply', host.inventory({ vars }));
      expect(result.exitCode, result.text).toBe(0);
      await host.must(`for file in /etc/fail2ban/filter.d/james.conf /etc/harden/load-limits /etc/systemd/system/harden-limits.service; do
        echo '# older' >>$file; done; chmod 640 /opt/james/log/james.log; systemctl daemon-reload; sync`);
    },
  },
] as const satisfies readonly Scenario[];

interface Made {
  readonly image: string;
  readonly jails: readonly string[];
  /** harden was never there. */
  readonly untouched: boolean;
  readonly old: Snapshot['state'];
  readonly wanted: Snapshot['state'];
  /** Of the job that leads from one to the other. */
  readonly calls: readonly Call[];
}

const made: Made[] = [];

/** Every scenario's image, and where an undisturbed run leads from there. */
async function prepare(): Promise<void> {
  const host = await startHost({ kind: 'fail2ban' });
  for (const [index, { make, jails }] of SCENARIOS.entries()) {
    await make(host);
    await jailsRun(host, jails);
    const image = await imageOf(host, `harden-test-cuts-${index}:${runId()}`);
    made.push({ ...(await undisturbed(image, jails)), image, jails, untouched: index === 0 });
  }
  await host.stop();
  console.log(
    made.map(({ calls: all }) => `${all.filter(isBoundary).length} boundaries of ${all.length} calls`),
  );
}

async function undisturbed(
  image: string,
  jails: readonly string[],
): Promise<Pick<Made, 'old' | 'wanted' | 'calls'>> {
  const host = await startHost({ image });
  const old = await stateOf(host, jails);
  await arm(host);
  const result = await record('apply', host.inventory());
  expect(result.exitCode, result.text).toBe(0);
  const wanted = await stateOf(host, ALL_JAILS);
  const found = await calls(host);
  await host.stop();
  return { old, wanted, calls: found };
}

/** Before and after each step: where its beginning or its end is written down. */
const isBoundary = ({ words }: Call) => words === 'sync RUN/journal';

const CUTS = {
  /** The program dies at once; the host finishes by itself, and undoes what nobody confirms. */
  async 'the tool is killed'(host: TestHost, tool: Tool) {
    tool.kill('SIGKILL');
    await release(host);
    await host.until('[ "$(systemctl show -P ActiveState harden-run)" = inactive ]', { seconds: 120 });
  },
  /** Connected anew, the tool sees the run to its end, and confirms it: there is time for a second login. */
  async 'the connection is cut'(host: TestHost, tool: Tool) {
    // what is said so far is under way
    await sleep(300);
    await host.must("pkill -KILL -f '[s]shd(-session)?: admin' || :");
    await release(host);
    const { code, stderr } = await tool.ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('connecting again');
  },
  async 'the power is cut'(host: TestHost, tool: Tool) {
    await host.cutPower();
    tool.kill('SIGKILL');
  },
};

type Cut = keyof typeof CUTS;

/** False: the run never came to that call. */
async function cutAt({ image, jails, untouched, old, wanted }: Made, call: Call, cut: Cut): Promise<boolean> {
  const host = await startHost({ image });
  try {
    await jailsRun(host, jails);
    await arm(host, call);
    const tool = await applying(host.inventory(), cut === 'the connection is cut' ? 60 : 10);
    if (!(await waiting(host))) {
      expect((await tool.ended).code).toBe(0);
      return false;
    }
    await CUTS[cut](host, tool);

    const now = withoutLeftovers(await stateOf(host, jails), cut, await isArmed(host));
    isOldOrNew(now, old, wanted);
    const check = await record('check', host.inventory());
    saysWhatIsOwed(check, now, wanted);
    if ((await host.exec('test -e /var/lib/harden/runs/current/ended')).code !== 0) {
      expect(check.host.notes?.join('\n')).toContain('was cut off before its end');
    }

    for (const command of ['apply', 'check'] as const) {
      const result = await record(command, host.inventory());
      expect(result.exitCode, result.text).toBe(0);
    }
    expect(changed(wanted, await stateOf(host, ALL_JAILS))).toEqual([]);
    if (untouched) {
      // what stood there before the run that was cut is still known
      const taken = await record('apply', host.inventory(), { args: ['--var', 'state=absent'] });
      expect(taken.exitCode, taken.text).toBe(0);
      expect(changed(old, await stateOf(host, jails))).toEqual([]);
    }
    return true;
  } finally {
    await host.stop();
  }
}

const isArmed = async (host: TestHost): Promise<boolean> =>
  (await host.exec('cd /var/lib/harden/runs/current && ls | grep -qxE "pending|confirmed|rolledback"'))
    .code === 0;

/**
 * A power cut leaves until the next run the file that was being written beside the one that it was to replace, and of a guard
 * that was not armed yet the unit that is to undo: with nothing to undo, it does nothing.
 */
function withoutLeftovers(now: Snapshot['state'], cut: Cut, armed: boolean): Snapshot['state'] {
  if (cut !== 'the power is cut') return now;
  const left = armed ? /\/\.harden\.[A-Za-z0-9]{6}$/ : /\/\.harden\.[A-Za-z0-9]{6}$|\/harden-undo\.service$/;
  return new Map([...now].filter(([thing]) => !left.test(thing)));
}

interface Try {
  readonly scenario: Made;
  readonly call: Call;
  readonly cut: Cut;
}

/** All of them or, in the suite, as many as there is time for; some at a time. */
async function tryAll(all: readonly Try[], count: number): Promise<number> {
  const [chosen = []] = fc.sample(fc.shuffledSubarray([...all], { minLength: count, maxLength: count }), {
    seed: seed(),
    numRuns: 1,
  });
  const failures: string[] = [];
  let reached = 0;
  const work = async () => {
    for (let next = chosen.pop(); next; next = chosen.pop()) {
      const { scenario, call, cut } = next;
      const place = `${cut}, ${scenario.image}, ${call.words} (${call.nth})`;
      try {
        const done = await cutAt(scenario, call, cut);
        if (done) reached += 1;
        console.log(`${done ? 'converged' : 'not reached'}: ${place}`);
      } catch (error) {
        failures.push(`${place}: ${(error as Error).message}`);
        console.log(failures.at(-1));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  console.log(`${reached} cuts of ${count} to be tried, ${failures.length} failed`);
  expect(failures).toEqual([]);
  return reached;
}

beforeAll(prepare);
afterAll(async () => {
  for (const { image } of made) await removeImage(image);
});

/** Most of the time is spent waiting for a host. */
const AT_ONCE = rounds(3, 5);

const HOURS = 3 * 3600_000;

describe('a run whose script is cut on its way', () => {
  it(
    'at any byte: nothing was begun, and nothing is half done',
    async () => {
      const [, { image, jails }] = made as [Made, Made];
      const [host, other] = await Promise.all([startHost({ image }), startHost({ image })]);
      const [network, whole] = await Promise.all([startBadNetwork(host.ip), startBadNetwork(other.ip)]);
      try {
        await jailsRun(host, jails);
        const result = await record('apply', other.inventory({ entry: whole.entry }));
        expect(result.exitCode, result.text).toBe(0);
        // less the end of the channel and of the connection, which may be lost
        const bytes = whole.bytes[0]!['to-host'] - 2000;

        const before = await snapshotOf(host);
        // an empty folder keeps what was cut on its way from ever beginning
        const begun = 'find /var/lib/harden/runs -mindepth 1 -maxdepth 1 -type d ! -empty';
        const runs = await host.must(begun);
        const places = fc.sample(fc.integer({ min: 1, max: bytes }), {
          seed: seed(),
          numRuns: rounds(1, 100),
        });
        for (const after of places) {
          network.next({ reset: { way: 'to-host', after } });
          const cut = await record('apply', host.inventory({ entry: network.entry }));
          expect(cut.exitCode, `after ${after} of ${bytes} bytes: ${cut.text}`).toBe(3);
          const now = await snapshotOf(host);
          expect(changed(before.state, now.state), cut.text).toEqual([]);
          expect(changed(before.touched, now.touched), cut.text).toEqual([]);
          expect(await host.must(begun), cut.text).toBe(runs);
        }
        console.log(`${places.length} scripts cut within ${bytes} bytes`);
        network.next({});
        for (const command of ['apply', 'check'] as const) {
          const last = await record(command, host.inventory({ entry: network.entry }));
          expect(last.exitCode, last.text).toBe(0);
        }
      } finally {
        network.stop();
        whole.stop();
        await Promise.all([host.stop(), other.stop()]);
      }
    },
    HOURS,
  );
});

describe('a run that is cut', () => {
  it(
    'before or after any step: everything is old or new, no jail is lost, and the next run converges',
    async () => {
      const all = made.flatMap((scenario) =>
        scenario.calls
          .filter(isBoundary)
          .flatMap((call) => (Object.keys(CUTS) as Cut[]).map((cut) => ({ scenario, call, cut }))),
      );
      const count = rounds(3, all.length);
      expect(await tryAll(all, count)).toBe(count);
    },
    HOURS,
  );

  it(
    'in the middle of a step as well',
    async () => {
      const all = made.flatMap((scenario) =>
        scenario.calls
          .filter((call) => !isBoundary(call))
          .map((call) => ({ scenario, call, cut: 'the power is cut' as const })),
      );
      expect(await tryAll(all, rounds(1, 60))).toBeGreaterThan(0);
    },
    HOURS,
  );
});
