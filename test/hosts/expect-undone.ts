import { expect } from 'vitest';
import { login, type TestHost } from './host.ts';
import { type Record, record, statuses } from './record.ts';

export const UNTOUCHED = `
  find /etc/ssh /etc/default /etc/sudoers.d /etc/update-motd.d /home/admin -type f -exec sha256sum {} + -exec stat -c '%n %a %U:%G' {} + | sort
  stat -c '%n %a %U:%G' /home /home/admin /home/admin/.ssh /usr/bin/sudo
  systemctl is-active ssh; systemctl is-enabled ssh; ss -Hltn | awk '{ print $4 }' | sort
  ls /etc/systemd/system /etc/systemd/system/sysinit.target.wants`;

/** The run was undone, nothing of it is left, and the operator gets in. */
export async function expectUndone(
  host: TestHost,
  result: Record,
  before: string,
  states: object,
  state = UNTOUCHED,
): Promise<void> {
  expect(result.exitCode, result.text).toBe(4);
  expect(result.host.status).toBe('rolled-back');
  expect(statuses(result)).toEqual(states);
  for (const { reason } of Object.values(result.tasks)) expect(reason).not.toContain('could not be put back');
  expect(result.host.connections).toBeLessThanOrEqual(4);
  const latest = (await record('log', host.inventory())).host.runs?.at(-1);
  expect(latest).toMatchObject({ state: 'rolled back', tasks: [], undone: latest?.changes });
  expect(latest?.changes).toBeGreaterThan(0);
  expect(await host.must(state)).toBe(before);
  expect(await host.must('ls /var/lib/harden/runs/current')).toMatch(/\brolledback\n(.*\n)*undone\b/);
  const { code, stdout } = await login(host, 'sudo -n id -u');
  expect([code, stdout]).toEqual([0, '0\n']);
}
