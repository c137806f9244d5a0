import { afterAll, beforeAll, expect, it } from 'vitest';
import { login, startHost, type TestHost } from '../host.ts';
import { record } from '../record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

it('fail2ban starts with what is declared, not by its installation: failures of a trusted operator in an old log ban nobody', async () => {
  const operator = (await login(host, 'echo "${SSH_CONNECTION%% *}"')).stdout.trim();
  await host.must(`for i in 1 2 3 4 5 6 7; do
    echo "$(date '+%b %e %H:%M:%S') host sshd[901]: Failed password for invalid user bob from ${operator} port 41001 ssh2"; done >/var/log/auth.log`);
  const result = await record('apply', host.inventory({ vars: { trusted: [operator] } }));
  expect(result.exitCode, result.text).toBe(0);
  expect((await login(host, 'sudo -n true')).code).toBe(0);
  expect(await host.must(`fail2ban-client banned ${operator}`)).toBe('[[]]');
  expect(await host.must('systemctl is-active fail2ban; systemctl is-enabled fail2ban')).toBe(
    'active\nenabled',
  );
});
