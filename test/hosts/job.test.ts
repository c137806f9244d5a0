import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startHost, type TestHost } from './host.ts';
import { record, statuses } from './record.ts';

/** The job of a run on its host: who may be at work, and what becomes of it without a connection, a disk or its own process. */
let host: TestHost;
beforeAll(async () => {
  host = await startHost({ james: false });
});
afterAll(() => host?.stop());

const inventory = () => host.inventory({ playbook: 'playbook.yaml' });

describe('a second operator', () => {
  it('is told who is at work, and changes nothing', async () => {
    const command = { run: 'sleep 5; touch /etc/slow', creates: '/etc/slow', guarded: true };
    const slow = {
      'playbook.yaml': stringify({ name: 'slow', tasks: [{ id: 'slow', name: 'slow', command }] }),
    };
    const first = record('apply', inventory(), { files: slow });
    await host.until('systemctl -q is-active harden-run');
    const second = await record('apply', inventory(), { files: slow });
    expect(second.exitCode, second.text).toBe(75);
    expect(second.host.status).toBe('locked');
    expect(second.host.reason).toMatch(/is being changed by another run \(\S+@\S+, since \d{4}-/);
    const looked = await record('check', inventory(), { files: slow });
    expect([0, 2]).toContain(looked.exitCode);
    expect((await first).exitCode).toBe(0);
  });
});

describe('a cut connection', () => {
  const slow = {
    'playbook.yaml': stringify({
      name: 'slow',
      tasks: [{ id: 'slow', name: 'slow', command: { run: 'sleep 4; touch /etc/cut', creates: '/etc/cut' } }],
    }),
  };
  /** Does `sever` while the job runs. */
  const during = async (sever: string, silence = 20) => {
    await host.must('rm -f /etc/cut');
    const running = record('apply', inventory(), { files: slow, silence });
    await host.until('systemctl -q is-active harden-run');
    await sleep(500);
    await host.must(sever);
    return running;
  };
  const close = "pkill -KILL -f '[s]shd(-session)?: admin'";

  it('is made anew once, and the run is followed to its end', async () => {
    const result = await during(close);
    expect(result.exitCode, result.text).toBe(0);
    expect(statuses(result)).toEqual({ slow: 'changed' });
    expect(result.text).toContain('the connection was lost; the host goes on by itself, connecting again');
  });

  it('that stays cut: the host finishes, and nothing is claimed', async () => {
    const result = await during(
      `iptables -I INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset; ${close}`,
      // it tries again for so long
      90,
    );
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.slow).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('it was being applied when the connection ended'),
    });
    await host.must('iptables -D INPUT 1; while systemctl is-active -q harden-run; do sleep 0.2; done');
    expect((await record('check', inventory(), { files: slow })).exitCode).toBe(0);
  });
});

describe('a host whose disk is full', () => {
  /** Runs are kept on a small disk of their own. */
  const withDisk = async (prepare: string, work: () => Promise<void>) => {
    await host.must(`rm -rf /etc/cut /var/lib/harden; mkdir /dev/shm/harden; ln -s /dev/shm/harden /var/lib`);
    try {
      await host.exec(prepare);
      await work();
    } finally {
      await host.must('rm -r /var/lib/harden /dev/shm/harden');
    }
  };
  const fill = 'cat /dev/zero >/dev/shm/harden/full';
  const run = (command: string) => ({
    'playbook.yaml': stringify({
      name: 'full',
      tasks: [{ id: 'cut', name: 'cut', command: { run: command, creates: '/etc/cut' } }],
    }),
  });

  it('before the run: nothing is begun', () =>
    withDisk(fill, async () => {
      const result = await record('apply', inventory(), { files: run('touch /etc/cut') });
      expect(result.exitCode, result.text).toBe(3);
      expect(result.host.reason).toMatch(/could not begin the run: .*disk full.*This run changed nothing/);
      expect((await host.exec('test -e /etc/cut')).code).toBe(1);
    }));

  it('in the middle of it: the run still says what became of it', () =>
    withDisk(':', async () => {
      const result = await record('apply', inventory(), { files: run(`${fill}; touch /etc/cut`) });
      expect(result.exitCode, result.text).toBe(0);
      expect(statuses(result)).toEqual({ cut: 'changed' });
    }));
});

it('the log tells a run that failed, and one that took away, from others', async () => {
  const runs = async (task: object) => {
    const files = { 'playbook.yaml': stringify({ name: 'x', tasks: [{ id: 'one', name: 'one', ...task }] }) };
    await record('apply', inventory(), { files });
    const latest = (await record('log', inventory())).host.runs?.at(-1);
    return { ...latest };
  };
  expect(await runs({ command: { run: 'false', unless: 'false' } })).toMatchObject({
    state: 'failed',
    changes: 0,
    tasks: [],
    failed: ['one'],
  });
  const made = { changes: 1, undone: 0, tasks: ['one'], failed: [] };
  expect(await runs({ file: { path: '/etc/one', content: '1\n' } })).toMatchObject({
    state: 'done',
    ...made,
    removed: [],
  });
  expect(await runs({ file: { path: '/etc/one', content: '1\n', state: 'absent' } })).toMatchObject({
    state: 'done',
    ...made,
    removed: ['one'],
  });
});

it('a run that is killed claims neither that it did something nor that it did not', async () => {
  await host.must('rm -f /etc/cut');
  const command = 'touch /etc/cut; systemctl kill -s KILL harden-run; sleep 9';
  const files = {
    'playbook.yaml': stringify({
      name: 'killed',
      tasks: [
        { id: 'cut', name: 'cut', command: { run: command, creates: '/etc/cut' } },
        { id: 'later', name: 'later', command: { run: 'touch /etc/later', creates: '/etc/later' } },
      ],
    }),
  };
  const result = await record('apply', inventory(), { files });
  expect(result.exitCode, result.text).toBe(3);
  expect(result.host.reason).toMatch(/ends before its second look at the host.*Run harden check/);
  expect(result.tasks).toMatchObject({
    cut: {
      status: 'failed',
      reason: 'it was being applied when the run ended; harden check says what became of it',
    },
    later: {
      status: 'skipped',
      reason: 'not applied, since nobody saw what became of cut: /etc/later does not exist',
    },
  });
});
