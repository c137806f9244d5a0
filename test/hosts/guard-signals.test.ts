import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { started } from '../cli/harden.ts';
import { login, startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
let folder = '';
beforeAll(async () => {
  [host, folder] = await Promise.all([startHost(), mkdtemp(join(tmpdir(), 'harden-signals-'))]);
});
afterAll(async () => {
  await Promise.all([host?.stop(), rm(folder, { recursive: true })]);
});
beforeEach(async () => {
  await host.must(`iptables -F; rm -f /etc/plain /etc/slow ${CONFIG}`);
  await host.must('while systemctl is-active harden-run; do sleep 0.1; done');
});

const CONFIG = '/etc/ssh/sshd_config.d/x.conf';

interface RunOptions {
  readonly guarded?: boolean;
  readonly path?: string;
  readonly content?: string;
  readonly args?: readonly string[];
}

/** A step that takes its time, and a guarded file after it, or the other way round. */
async function run(
  command: 'check' | 'apply',
  { guarded = false, path = CONFIG, content = 'MaxSessions 7\n', args = [] }: RunOptions = {},
) {
  const slow = { run: 'sleep 4; touch /etc/slow', creates: '/etc/slow', ...(guarded && { guarded }) };
  const playbook = {
    name: 'slow',
    tasks: [
      { id: 'slow', name: 'slow', command: slow },
      { id: 'config', name: 'config', file: { path, content } },
    ],
  };
  await writeFile(join(folder, 'playbook.yaml'), stringify(playbook));
  await writeFile(join(folder, 'inventory.yaml'), host.inventory({ playbook: 'playbook.yaml' }));
  return started([command, ...(command === 'apply' ? ['--yes'] : []), ...args], { cwd: folder });
}
const ended = async (process: Awaited<ReturnType<typeof run>>) => {
  const { code, stdout, stderr } = await process.ended;
  return { code, text: `${stdout}${stderr}` };
};
const journal = (pattern: string) =>
  host.must(
    `until grep -q '${pattern}' /var/lib/harden/runs/current/journal && systemctl -q is-active harden-run; do sleep 0.05; done`,
  );
const done = () => host.must('while systemctl is-active harden-run; do sleep 0.1; done');
/** Nobody can log in any more. */
const shut = () =>
  host.must(
    `until [ -e /var/lib/harden/runs/current/pending ]; do sleep 0.02; done
     iptables -I INPUT -p tcp --dport 22 --syn -j REJECT --reject-with tcp-reset`,
  );
const state = () => host.must(`ls ${CONFIG} /etc/slow 2>/dev/null || :`);

it('undone by hand from a console: the job ends with it, and nothing that would follow is begun', async () => {
  const process = await run('apply', { guarded: true });
  await journal('step 1 start');
  const rollback = 'sh /var/lib/harden/runs/current/rollback.sh';
  expect(await host.must(`${rollback}; ! systemctl -q is-active harden-run`)).toMatch(/^Undone: [^\n]*$/);
  expect(await host.must(rollback)).toMatch(
    /^Nothing to undo: [^\n]* was undone before; of a command [^\n]* stands\.$/,
  );
  const { code, text } = await ended(process);
  expect(code, text).toBe(4);
  await host.must('ls /var/lib/harden/runs/current/undone; ! pgrep -x sleep');
  expect(await state()).toBe('');
});

describe.sequential('one signal', () => {
  it('during a step: the step is finished, and nothing after it is begun', async () => {
    const process = await run('apply');
    await journal('step 0 start');
    process.kill('SIGINT');
    const { code, text } = await ended(process);
    expect(code, text).toBe(130);
    expect(text).toMatch(/1 host: /);
    expect(await state()).toBe('/etc/slow');
    const { runs } = (await record('log', host.inventory())).host;
    expect(runs?.at(-1)).toMatchObject({ state: 'interrupted', tasks: ['slow'] });
  });

  it('while nobody confirms: it is undone at once', async () => {
    await host.must('touch /etc/slow');
    const process = await run('apply', { args: ['--confirm-timeout', '600'] });
    await shut();
    await journal('guard waiting');
    const since = Date.now();
    process.kill('SIGTERM');
    const { code, text } = await ended(process);
    expect(code, text).toBe(130);
    expect(Date.now() - since).toBeLessThan(30_000);
    expect(text).toContain('the run was interrupted before a new login confirmed it, so the host undid it');
    expect(await state()).toBe('/etc/slow');
  });

  it('after sudo was broken: the word still comes through, and it is undone at once', async () => {
    await host.must('touch /etc/slow');
    const rule = { path: '/etc/sudoers.d/zz', content: 'admin ALL=(ALL) !ALL\n' };
    const process = await run('apply', { ...rule, args: ['--confirm-timeout', '120'] });
    await process.says('no new login was possible');
    const since = Date.now();
    process.kill('SIGINT');
    const { code, text } = await ended(process);
    expect(Date.now() - since).toBeLessThan(10_000);
    expect(code, text).toBe(130);
    expect(text).toContain('the run was interrupted before a new login confirmed it, so the host undid it');
    await host.must('! ls /etc/sudoers.d/zz; ls /var/lib/harden/runs/current/undone');
    const { stdout } = await login(host, 'sudo -n id -u');
    expect(stdout).toBe('0\n');
  });
});

it('two signals: it leaves at once, and the host saves itself', async () => {
  await host.must('touch /etc/slow');
  const process = await run('apply', { args: ['--confirm-timeout', '10'] });
  await shut();
  await process.says('a new login has to confirm');
  process.kill('SIGINT');
  await process.says('interrupted: ');
  const since = Date.now();
  process.kill('SIGINT');
  const { code, text } = await ended(process);
  expect(code, text).toBe(130);
  expect(Date.now() - since).toBeLessThan(2000);
  expect(text).toMatch(/config +it was done and not yet confirmed when the connection ended/);
  await done();
  expect(await state()).toBe('/etc/slow');
  expect(await host.must('ls /var/lib/harden/runs/current')).toMatch(/\brolledback\n(.*\n)*undone\b/);
});

it('two signals in the middle: only what was heard is told', async () => {
  const process = await run('apply', { path: '/etc/plain', content: 'x\n' });
  await process.says('| run sleep');
  process.kill('SIGINT');
  // two signals at one moment are one
  await process.says('interrupted: ');
  process.kill('SIGINT');
  const { code, text } = await ended(process);
  expect(code, text).toBe(130);
  expect(text).toMatch(/slow +it was being applied when the connection ended/);
  expect(text).toMatch(/config +not applied, since nobody saw what became of slow/);
  await done();
});

describe.sequential('a program that is killed', () => {
  const killed = async (guarded: boolean) => {
    const process = await run('apply', { guarded });
    await journal(guarded ? 'guard armed' : 'step 0 start');
    process.kill('SIGKILL');
    await expect(process.ended).rejects.toThrow('SIGKILL');
  };

  it('is followed by the next one, which confirms what waits', async () => {
    await killed(true);
    const { code, text } = await ended(await run('apply', { guarded: true }));
    expect(code, text).toBe(0);
    expect(text).toMatch(/an earlier run of yours .* is still at work there: following it to its end/);
    expect(await state()).toBe(`/etc/slow\n${CONFIG}`);
    expect(await host.must('ls /var/lib/harden/runs/*/rolledback 2>/dev/null || :')).not.toContain(
      await host.must('readlink /var/lib/harden/runs/current'),
    );
  });

  it('of somebody else is told, and left alone', async () => {
    await killed(false);
    await host.must(
      "printf 'ann@laptop, since noon\\nlaptop/1/2/3\\n' > /var/lib/harden/runs/current/holder",
    );
    const { code, text } = await ended(await run('apply'));
    expect(code, text).toBe(75);
    expect(text).toContain('is being changed by another run (ann@laptop, since noon)');
    await done();
  });

  it('with its job leaves no lock behind', async () => {
    await killed(false);
    await host.must('systemctl kill --signal=KILL harden-run');
    const { code, text } = await ended(await run('apply'));
    expect(code, text).toBe(0);
    expect(text).toContain('was cut off before its end');
    expect(await state()).toBe(`/etc/slow\n${CONFIG}`);
  });
});
