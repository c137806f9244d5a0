import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { repository } from '../repository.ts';
import { $ } from '../shell.ts';
import { testedDistribution } from './distributions.ts';
import { checkRoom, findEngine, LABEL, removeLeftovers, runId } from './engine.ts';
import { startHost, type TestHost } from './host.ts';
import { imageName } from './image.ts';
import { record } from './record.ts';

/** What goes wrong with the test hosts themselves is told of soon, with what the host says. */
let host: TestHost;
let image: string;
beforeAll(async () => {
  [host, image] = await Promise.all([startHost({ james: false }), imageName(testedDistribution(), 'bare')]);
});
afterAll(() => host?.stop());

/** Fails, within this many seconds, with an error that says so. */
async function expectFailure(work: () => Promise<unknown>, seconds: number, words: RegExp): Promise<void> {
  const since = Date.now();
  await expect(work()).rejects.toThrow(words);
  expect((Date.now() - since) / 1000).toBeLessThan(seconds);
}

describe('a step that is stuck', () => {
  it('a script on a host: with its processes and its journal', () =>
    expectFailure(
      () => host.must('logger last words; exec sleep $((1200 + 34))', { seconds: 2 }),
      15,
      /did not end within 2 s: .* sleep 1234.*\/lib\/systemd\/systemd.*last words/s,
    ));

  it('the tool: with its last words and those of the host', async () => {
    const tasks = [{ id: 'stuck', name: 'stuck', command: { run: 'sleep 1234', creates: '/nope' } }];
    await expectFailure(
      () =>
        record('apply', host.inventory({ playbook: 'playbook.yaml' }), {
          files: { 'playbook.yaml': stringify({ name: 'stuck', tasks }) },
          silence: 5,
        }),
      25,
      /harden apply .* said nothing for 5 s\. Its last words: .*run sleep 1234.*sleep 1234.*Started harden-run/s,
    );
    await host.must('systemctl kill --signal=KILL harden-run');
  });
});

describe('a host that does not come up', () => {
  it('since its system ends at once', async () => {
    const broken = `harden-test-broken:${process.pid}`;
    const dockerfile = `FROM ${image}\nRUN printf '#!/bin/sh\\necho the disk is broken; exit 3\\n' >/lib/systemd/systemd`;
    await $({ input: dockerfile })`docker build --quiet --tag ${broken} -`;
    try {
      await expectFailure(
        () => startHost({ image: broken }),
        20,
        /did not come up.*exited 3.*the disk is broken/s,
      );
    } finally {
      await $`docker rmi ${broken}`;
    }
  });
});

describe('no room on the disk', () => {
  it('says where, how much is left and what to do', async () => {
    await expect(checkRoom(await findEngine(), 1e9)).rejects.toThrow(
      /^No room on the disk: \/\S+ has \d+ MiB left, and 1000000000 MiB are needed\. Make room/,
    );
  });
});

describe('what a run leaves', () => {
  const containersOf = async (run: string) =>
    (await $`docker ps --all --quiet --filter label=${LABEL}=${run}`).stdout;

  it('is named and removed by the next one', async () => {
    // no process has this number
    const run = `99999999-1-${runId().split('-').at(-1)}`;
    await $`docker run --detach --label ${LABEL}=${run} ${image} sleep 1000`;
    await removeLeftovers();
    expect(await containersOf(run)).toBe('');
  });

  it('is removed soon after the run was killed', async () => {
    const { HARDEN_TEST_RUN: _, ...env } = process.env;
    const child = spawn('sh', ['test/run', 'test/hosts/leave-container.ts', image], {
      cwd: repository,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout!, 'data');
    const run = String(said).trim();
    expect(await containersOf(run)).not.toBe('');
    process.kill(Number(run.split('-')[0]), 'SIGKILL');
    await expect.poll(() => containersOf(run), { timeout: 20_000, interval: 500 }).toBe('');
  });
});
