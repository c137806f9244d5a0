import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { started } from '../cli/harden.ts';
import { timed } from '../waits.ts';
import { login, startHost, type TestHost } from './host.ts';
import { inventoryOf } from './inventory.ts';
import { type Record, record } from './record.ts';

/** One host for each test that fills its limit, and one that is never limited. */
let [busy, full, shut, free]: TestHost[] = [];
/** What the runs of this file remember. */
let state: string;
/** This machine, as the hosts see it. */
let here: string;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'harden-pace-'));
  [busy, full, shut, free] = await Promise.all([1, 2, 3, 4].map(() => startHost({ james: false })));
  here = (await login(free!, 'echo $SSH_CONNECTION')).stdout.split(' ')[0]!;
});
afterAll(async () => {
  await Promise.all([busy, full, shut, free].map((host) => host?.stop()));
  await rm(state, { recursive: true });
});

const waiting = (seconds: number) =>
  new RegExp(`\\| waiting \\d+ s: this host admits three SSH sessions in ${seconds} s`);
/** Long enough for three runs and the beginning of a fourth, however slow this machine is. */
const LONG = { ssh_seconds: 15 };
const inventory = (hosts: TestHost[], vars = {}) =>
  inventoryOf(hosts, { vars: { ssh_seconds: 6, ssh_hitcount: 4, ...vars } });
const run = (
  command: 'check' | 'apply',
  hosts: TestHost[],
  { args = [] as string[], env = {}, vars = {} } = {},
): Promise<Record> =>
  record(command, inventory(hosts, vars), {
    args: ['--tags', 'firewall', ...args],
    env: { XDG_STATE_HOME: state, ...env },
  });
/** One after another, each ending with this code. */
async function checks(count: number, host: TestHost, code: number, vars = {}): Promise<Record[]> {
  const results: Record[] = [];
  for (let turn = 0; turn < count; turn++) {
    const result = await run('check', [host], { vars });
    expect(result.exitCode, result.text).toBe(code);
    results.push(result);
  }
  return results;
}
const waited = (results: Record[]) => results.filter(({ text }) => text.includes('waiting'));

/** Connections to SSH that the limits have dropped. */
const dropped = async (host: TestHost) =>
  Number(
    await host.must(
      "iptables -nvxL HARDEN | awk '/DROP.*dpt:22 .*DDOS-SSH /{ n += $1 } END { print n + 0 }'",
    ),
  );

describe('a host that limits nothing', () => {
  it('is not waited for', async () => expect(waited(await checks(6, free!, 2))).toEqual([]));

  it('is looked at although nothing can be remembered, which is told once and only to whoever asks', async () => {
    const env = { XDG_STATE_HOME: '/dev/null' };
    const told = await run('check', [free!, busy!], { env, args: ['-v'] });
    expect(told.exitCode, told.text).toBe(2);
    expect(told.text.match(/cannot be paced .*ENOTDIR/g)).toHaveLength(1);
    const quiet = await run('check', [free!], { env });
    expect(quiet.exitCode, quiet.text).toBe(2);
    expect(quiet.text).not.toContain('paced');
  });
});

describe('a host that limits SSH', () => {
  beforeAll(async () => {
    const runs = [run('apply', [busy!, shut!]), run('apply', [full!], { vars: LONG })];
    for (const applied of await Promise.all(runs)) {
      expect(applied.exitCode, applied.text).toBe(0);
      expect(new Set(applied.hosts.map(({ connections }) => connections))).toEqual(new Set([2]));
      expect(applied.text).not.toContain('waiting');
    }
  });

  it.concurrent('drops none of ten runs, one after another and at once, nor a login that confirms', async () => {
    const results = await checks(6, busy!, 0);
    results.push(...(await Promise.all([1, 2, 3, 4].map(() => run('check', [busy!])))));
    for (const { exitCode, text } of results) expect(exitCode, text).toBe(0);
    // how many of them have to depends on how fast this machine is
    expect(results.some(({ text }) => waiting(6).test(text))).toBe(true);

    const changed = await run('apply', [busy!], { vars: { smtp_hitcount: 5 } });
    expect(changed.exitCode, changed.text).toBe(0);
    await checks(1, busy!, 0, { smtp_hitcount: 5 });
    expect(await dropped(busy!)).toBe(0);
  });

  it.concurrent('lets another host be worked on meanwhile, and the wait be interrupted', async () => {
    const fill = async () => {
      await timed('recent window', () => sleep((LONG.ssh_seconds + 1) * 1000));
      expect(waited(await Promise.all([1, 2, 3].map(() => run('check', [full!], { vars: LONG }))))).toEqual(
        [],
      );
    };
    await fill();
    const both = await run('check', [full!, free!], { args: ['--forks', '1'], vars: LONG });
    expect(both.text).toMatch(waiting(LONG.ssh_seconds));
    expect(both.hosts.map(({ status }) => status)).toEqual(['ok', 'drift']);
    expect(both.hosts[1]!.durationMs).toBeLessThan(both.hosts[0]!.durationMs - 1000);

    await fill();
    const before = await full!.connections();
    const folder = await mkdtemp(join(tmpdir(), 'harden-pace-'));
    await writeFile(join(folder, 'inventory.yaml'), inventory([full!], LONG));
    const { ended, kill, says } = started(['check', '--tags', 'firewall'], {
      cwd: folder,
      env: { XDG_STATE_HOME: state },
    });
    await says('| waiting');
    kill('SIGINT');
    const result = await ended;
    expect(result.code, result.stderr).toBe(130);
    expect(await full!.connections()).toBe(before);
    await rm(folder, { recursive: true });
  });

  it.concurrent('explains that somebody was dropped, is not tried again until it answers, and spares whoever is trusted', async () => {
    // ssh in a loop, until the host does not answer any more and beyond
    const knocking = new Set<Socket>();
    const knock = () => {
      const socket = connect(22, shut!.ip).on('error', () => {});
      knocking.add(
        socket.setTimeout(1000, () => socket.destroy()).on('close', () => knocking.delete(socket)),
      );
    };
    const again = setInterval(knock, 300);
    while ((await dropped(shut!)) < 2) await sleep(300);
    const [refused] = await checks(1, shut!, 3);
    clearInterval(again);
    for (const socket of knocking) socket.destroy();
    expect(refused!.host.status).toBe('unreachable');
    expect(refused!.host.reason).toContain(
      'this host admits three SSH sessions in 6 s: the next run waits by itself until that time has passed without a try.',
    );
    const before = await dropped(shut!);
    const [open] = await checks(1, shut!, 0);
    expect(open!.text).toMatch(
      /waiting \d s: the last try was not answered; this host admits three SSH sessions in 6 s, and after one too many none until that time has passed without a try/,
    );
    expect(await dropped(shut!)).toBe(before);

    const vars = { trusted: [here] };
    const trusting = await run('apply', [shut!], { vars });
    expect(trusting.exitCode, trusting.text).toBe(0);
    expect(waited(await checks(5, shut!, 0, vars))).toEqual([]);
  });
});
