import { afterAll, beforeAll, expect, it } from 'vitest';
import { login, startHost, type TestHost } from './host.ts';
import { applyTasks, record, statuses } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

it('a guarded step that shuts the host and hangs is undone by the host, and the tool waits for that', async () => {
  const rules = "iptables-save | sed '/^#/d; s/ \\[.*//'";
  const before = await host.must(`iptables -P INPUT ACCEPT; ${rules}`);
  const run = 'iptables -P INPUT DROP; iptables -F; sleep 1000';
  const path = '/etc/ssh/sshd_config.d/pre.conf';
  const result = await applyTasks(
    host,
    {
      config: { file: { path, content: 'MaxSessions 7\n' } },
      firewall: { command: { run, unless: 'false', guarded: true } },
    },
    10,
    // until the host ends the step
    { silence: 240 },
  );
  expect(result.exitCode, result.text).toBe(4);
  expect(statuses(result)).toEqual({ config: 'rolled-back', firewall: 'rolled-back' });
  expect(result.text).toContain('a step may hang there, which the host ends and undoes within');
  expect(result.tasks.firewall?.reason).toContain('the run was ended in the middle of a step');
  expect(result.host.connections).toBeLessThanOrEqual(4);
  expect(await host.must(`! [ -e ${path} ]; ${rules}`)).toBe(before);
  expect((await record('log', host.inventory())).host.runs?.at(-1)?.state).toBe('rolled back');
  expect((await login(host, 'sudo -n id -u')).stdout).toBe('0\n');
});
