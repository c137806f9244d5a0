import { afterEach, beforeEach, expect, it } from 'vitest';
import { login, startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
beforeEach(async () => {
  host = await startHost();
});
afterEach(() => host?.stop());

const own = (settings: string) => `mkdir -p /etc/fail2ban/jail.d; touch /var/log/own.log
  printf '[own]\\nenabled = true\\nbackend = polling\\n${settings}\\n' >/etc/fail2ban/jail.d/zz.local`;

const failureOf = (address: string) => `Failed password for invalid user bob from ${address} port 41001 ssh2`;
/** The journal asks a program's name while it still runs. */
const saysSshd = (address: string) =>
  `for i in 1 2 3; do echo '${failureOf(address)}'; sleep 0.5; done | /root/as/sshd -t sshd`;

it('is not stopped by a jail of somebody else that fail2ban leaves out', async () => {
  await host.must(own('filter = nonesuch\\nlogpath = /var/log/own.log'));
  const result = await record('apply', host.inventory());
  expect(result.exitCode, result.text).toBe(0);
  expect((await record('check', host.inventory())).exitCode).toBe(0);
  expect(await host.must('fail2ban-client status | grep list')).toMatch(/james, sshd$/);
});

it('stops at a jail of somebody else without a log, and check says of every task what stands in its way', async () => {
  await host.must(own('filter = sshd\\nlogpath = /nope'));
  const first = await record('apply', host.inventory());
  expect(first.exitCode, first.text).toBe(3);
  const seen = await record('check', host.inventory());
  expect(seen.exitCode, seen.text).toBe(3);
  const pending = Object.values(seen.tasks).filter(({ status }) => status === 'drift');
  const again = await record('apply', host.inventory());
  const changed = pending.map(({ id }) => again.tasks[id]?.status);
  expect(changed, `${seen.text}\n${again.text}`).toEqual(pending.map(() => 'changed'));
  expect(seen.tasks['fail2ban.running']?.reason, seen.text).toMatch(/^\[own\] keeps fail2ban from starting/);
});

it('fail2ban starts with what is declared, not by its installation: failures of a trusted operator in an old log ban nobody', async () => {
  const operator = (await login(host, 'echo "${SSH_CONNECTION%% *}"')).stdout.trim();
  // in the journal as sshd's own, and in a log that nothing writes any more
  await host.must(`mkdir /root/as && cp "$(command -v logger)" /root/as/sshd
    for i in 1 2 3 4 5 6 7; do
      echo "$(date '+%b %e %H:%M:%S') host sshd[901]: ${failureOf(operator)}"; done >/var/log/auth.log
    ${saysSshd(operator)}`);
  const result = await record('apply', host.inventory({ vars: { trusted: [operator] } }));
  expect(result.exitCode, result.text).toBe(0);
  expect(result.tasks['fail2ban.sshd']?.reason).toContain('nothing writes /var/log/auth.log');
  expect((await login(host, 'sudo -n true')).code).toBe(0);
  expect(await host.must(`fail2ban-client banned ${operator}`)).toBe('[[]]');
  expect(await host.must('systemctl is-active fail2ban; systemctl is-enabled fail2ban')).toBe(
    'active\nenabled',
  );

  // and sshd is watched where its failures are told
  const stranger = '192.0.2.77';
  await host.must(saysSshd(stranger));
  await expect
    .poll(() => host.must(`fail2ban-client banned ${stranger}`), { timeout: 20_000 })
    .toBe("[['sshd']]");
});
