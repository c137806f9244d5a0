import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';
import { changed, type Snapshot, snapshotOf } from './snapshot.ts';

let host: TestHost;
let fresh: Snapshot;
beforeAll(async () => {
  host = await startHost();
  fresh = await snapshotOf(host);
});
afterAll(() => host?.stop());

const YEAR = 365 * 24 * 3600 * 1000;

/** The environment of a tool whose clock is that far from the host's. */
function skewed(milliseconds: number) {
  const preload = `const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) { given.length > 0 ? super(...given) : super(Right.now() + ${milliseconds}); }
      static now() { return Right.now() + ${milliseconds}; }
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
}

async function run(
  command: 'check' | 'apply',
  code: number,
  clock: number,
  vars: object,
  args: string[] = [],
) {
  const result = await record(command, host.inventory({ vars }), { env: skewed(clock), args });
  expect(result.exitCode, result.text).toBe(code);
  return result;
}

describe.sequential('clocks of the operator and of the host that are a year apart', () => {
  it('a year ahead, then a year behind, then as the host: each converges, and the runs stand in their order', async () => {
    for (const [index, clock] of [YEAR, -YEAR, 0].entries()) {
      const vars = { james_findtime: `${21 + index}m`, smtp_hitcount: 5 + index };
      await run('check', 2, clock, vars);
      await run('apply', 0, clock, vars);
      await run('check', 0, clock, vars);
      await run('check', 0, -clock, vars);
      // what a clock of the host leaves that is put back by a year after the first of them
      if (index === 0) {
        await host.must(
          'for f in /var/lib/harden/runs/[0-9a-f]*/job.sh; do touch -r "$f" -d "+1 year" "$f"; done',
        );
      }
      // whose clock was which
      expect(await host.must('cat "/var/lib/harden/runs/current/holder"')).toContain(
        `since ${new Date(Date.now() + clock).getFullYear()}-`,
      );
    }
  });

  it('state: absent gives back what stood there before the first of them', async () => {
    const absent = ['--var', 'state=absent'];
    await run('apply', 0, -YEAR, {}, absent);
    await run('check', 0, YEAR, {}, absent);
    expect(changed(fresh.state, (await snapshotOf(host)).state)).toEqual([]);
  });
});
