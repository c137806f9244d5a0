import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { repository } from '../repository.ts';
import { startHost, type TestHost } from './host.ts';

let host: TestHost;
let cwd: string;
beforeAll(async () => {
  host = await startHost({ james: false });
  cwd = mkdtempSync(join(tmpdir(), 'harden-terminal-'));
  writeFileSync(join(cwd, 'inventory.yaml'), host.inventory({ playbook: 'playbook.yaml' }));
  const run = 'sleep 5; touch /etc/done';
  const tasks = [{ id: 'slow', name: 'slow', command: { run, creates: '/etc/done' } }];
  writeFileSync(join(cwd, 'playbook.yaml'), stringify({ name: 'slow', tasks }));
});
afterAll(async () => {
  rmSync(cwd, { recursive: true });
  await host?.stop();
});

const harden = `'${process.execPath}' '${join(repository, 'dist/harden.cjs')}'`;
const bash = (script: string) => spawn('bash', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
const working = () => host.exec('systemctl -q is-active harden-run');

it('a reader that goes away keeps no run from its end', async () => {
  const child = bash(`${harden} apply --yes 2>&1 | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`);
  expect(await text(child.stdout)).toBe('0\n');
  expect((await host.exec('test -e /etc/done')).code).toBe(0);
});

it('a terminal that is closed ends the tool, and not the run on the host', async () => {
  await host.must('rm -f /etc/done');
  // as an interactive shell does: it tells its jobs that the terminal is closed
  const shell = `${harden} apply --yes & trap "kill -HUP $!" HUP; wait $!; wait $!; echo $? >code\n`;
  writeFileSync(join(cwd, 'shell'), shell);
  // a terminal of its own, which goes with the program that made it
  const terminal = spawn('script', ['-qec', '. ./shell', '/dev/null'], { cwd, stdio: 'ignore' });
  const closed = new Promise((resolve) => terminal.once('close', resolve));
  await host.until('systemctl -q is-active harden-run');
  terminal.kill('SIGKILL');
  await closed;
  let code = '';
  for (let i = 0; i < 100 && code === ''; i++) {
    await sleep(50);
    try {
      code = readFileSync(join(cwd, 'code'), 'utf8');
    } catch {}
  }
  expect(code).toBe(`${128 + constants.signals.SIGHUP}\n`);
  expect((await working()).code).toBe(0);
  await host.until('! systemctl -q is-active harden-run');
  expect((await host.exec('test -e /etc/done')).code).toBe(0);
  expect(await text(bash(`${harden} check >/dev/null 2>&1; echo $?`).stdout)).toBe('0\n');
});
