import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { CommandName } from '../../src/report/result.ts';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());
beforeEach(() => host.must('chmod 0755 /var/lib; rm -rf /var/lib/harden /srv/harden /etc/wanted'));

const playbook = stringify({
  name: 'one file',
  tasks: [{ id: 'wanted', name: 'wanted', file: { path: '/etc/wanted', content: 'x\n' } }],
});
const run = (command: CommandName) =>
  record(command, host.inventory({ playbook: 'playbook.yaml' }), { files: { 'playbook.yaml': playbook } });
const folder = async () => (await run('doctor')).tasks['doctor.folder'];

it.each<[string, string, RegExp]>([
  [
    "is somebody's",
    'install -d -o operator -m 0755 /var/lib/harden',
    /\/var\/lib\/harden belongs to operator/,
  ],
  [
    "holds somebody's runs",
    'install -d -m 0700 /var/lib/harden; install -d -o operator /var/lib/harden/runs',
    /\/var\/lib\/harden\/runs belongs to operator/,
  ],
  [
    'was open, and somebody put a run into it',
    `install -d -m 0755 /var/lib/harden; install -d -m 0777 /var/lib/harden/runs
     su operator -s /bin/sh -c 'mkdir /var/lib/harden/runs/0a && ln -s /var/lib/harden/runs/0a /var/lib/harden/runs/current && cd /var/lib/harden/runs/0a && echo touch /etc/owned >rollback.sh && touch pending plan.json job.sh journal'`,
    /\/var\/lib\/harden\/runs\/(0a|current) belongs to operator/,
  ],
  ['is a file', 'touch /var/lib/harden', /\/var\/lib\/harden is no folder/],
  [
    "is reached by somebody's link",
    'install -d /srv/harden; ln -s /srv/harden /var/lib/harden; chown -h operator /var/lib/harden',
    /a link on the way to \/var\/lib\/harden belongs to operator/,
  ],
  [
    'is in a folder that others may write to',
    'install -d -m 0700 /var/lib/harden; chmod 0777 /var/lib',
    /others may write to \/var\/lib, and/,
  ],
  [
    'would be made in a folder that others may write to',
    'chmod 0777 /var/lib',
    /others may write to \/var\/lib, and/,
  ],
])('where /var/lib/harden %s, nothing is read, written or run there', async (_, alter, says) => {
  await host.must(alter);
  const left = await host.must('ls -laR /var/lib/harden 2>&1 || :');
  for (const command of ['check', 'apply', 'log', 'rollback'] as const) {
    const result = await run(command);
    expect(result.exitCode, result.text).toBe(3);
    expect(result.host.reason).toMatch(says);
    expect(result.host.reason).toContain('Look at what lies there');
    expect(result.host.runs).toBeUndefined();
  }
  expect(await folder()).toMatchObject({ status: 'failed', reason: expect.stringMatching(says) });
  expect(await host.must('ls -laR /var/lib/harden 2>&1 || :')).toBe(left);
  await host.must('! [ -e /etc/wanted ] && ! [ -e /etc/owned ]');
});

it("root's own that others may write to is told, and closed by the next run", async () => {
  await host.must('install -d -m 0777 /var/lib/harden /var/lib/harden/runs');
  expect((await folder())?.reason).toMatch(/others may write to \/var\/lib\/harden and/);
  expect((await run('check')).exitCode).toBe(2);
  expect(await host.must('stat -c %a /var/lib/harden')).toBe('777');
  const result = await run('apply');
  expect(result.exitCode, result.text).toBe(0);
  expect(await host.must('stat -c "%a %U" /var/lib/harden /var/lib/harden/runs')).toBe('700 root\n700 root');
  expect((await folder())?.status).toBe('ok');
});

it('a folder in the place of the link to the latest run is not taken for one', async () => {
  await host.must('install -d -m 0700 /var/lib/harden/runs/current; touch /var/lib/harden/runs/current/x');
  const result = await run('apply');
  expect(result.exitCode, result.text).toBe(3);
  expect(result.host.reason).toMatch(
    /runs\/current is a folder, .*look at what is in it.*This run changed nothing/,
  );
  await host.must('! [ -e /etc/wanted ]; rm /var/lib/harden/runs/current/x');
  expect((await run('apply')).exitCode).toBe(0);
});
