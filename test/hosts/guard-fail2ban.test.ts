import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { KERNEL_BANS } from './attack.ts';
import { login, startHost, type TestHost } from './host.ts';
import { isPart } from './long.ts';
import { applyTasks, type Record, record, statuses, type TasksById } from './record.ts';

let host: TestHost;
/** The address that the host sees the operator come from. */
let operator = '';
beforeAll(async () => {
  host = await startHost({ kind: 'fail2ban' });
  operator = (await login(host, 'echo "${SSH_CONNECTION%% *}"')).stdout.trim();
  const first = await apply({
    jail: { fail2ban_jail: { name: 'sshd', backend: 'systemd', ...values, maxretry: 5 } },
    server: { service: { name: 'fail2ban' } },
  });
  expect(first.exitCode, first.text).toBe(0);
  await host.must(
    `fail2ban-client set sshd banip 192.0.2.66; for i in $(seq 100); do { ${KERNEL_BANS}; } | grep -q 192.0.2.66 && break; sleep 0.1; done`,
  );
});
// a log that begins anew: fail2ban remembers how far it has read one, and whom the operator's unbanning let go
beforeEach(() =>
  host.must(
    `sleep 1; for i in 1 2 3; do echo "$(date '+%Y-%m-%d %H:%M:%S') failed from ${operator}"; done > ${LOG}`,
  ),
);
afterAll(() => host?.stop());

const apply = (tasks: TasksById, seconds = 10) => applyTasks(host, tasks, seconds);

const values = { bantime: '1h', findtime: '1h' };
const LOG = '/var/log/own.log';
const FILTER = {
  filter: {
    file: {
      path: '/etc/fail2ban/filter.d/own.conf',
      content: '[Definition]\nfailregex = failed from <HOST>$\n',
    },
  },
};
const JAIL = { jail: { fail2ban_jail: { name: 'own', port: 'ssh', logpath: LOG, ...values, maxretry: 1 } } };

const HANG = 'kill -STOP "$(systemctl show -P MainPID fail2ban)"';
const GO_ON = 'kill -CONT "$(systemctl show -P MainPID fail2ban)"';

const STATE = `
  find /etc/fail2ban -type f -exec sha256sum {} + -exec stat -c '%n %a %U:%G' {} + | sort
  systemctl is-active fail2ban; systemctl is-enabled fail2ban
  fail2ban-client status | tail -n 1; fail2ban-client get sshd maxretry; fail2ban-client get sshd banip; ${KERNEL_BANS}`;

async function undone(result: Record, before: string): Promise<void> {
  expect(result.exitCode, result.text).toBe(4);
  expect(new Set(Object.values(statuses(result)))).toContain('rolled-back');
  for (const { reason } of Object.values(result.tasks)) expect(reason).not.toContain('could not be put back');
  expect(await host.must(STATE)).toBe(before);
  expect((await login(host, 'sudo -n true')).code).toBe(0);
}

it('a jail that bans the operator for what stands in the log is undone by the host; other bans stay', async () => {
  const before = await host.must(STATE);
  expect(before).toContain('192.0.2.66');
  const result = await apply({ ...FILTER, ...JAIL });
  await undone(result, before);
  expect(result.tasks.jail!.reason).toContain(
    'no new login was possible after it within 10 s (fail2ban had banned your address, by the jail own: put it into trusted), so the host undid it',
  );
});

it.skipIf(isPart)('so is a file that fail2ban is told to read', async () => {
  const path = '/etc/fail2ban/jail.d/zz.conf';
  const content = `[own]\nenabled = true\nport = ssh\nlogpath = ${LOG}\nfindtime = 1h\nmaxretry = 1\n`;
  const before = await host.must(STATE);
  await undone(
    await apply({
      ...FILTER,
      file: { file: { path, content } },
      server: { service: { name: 'fail2ban', tracks: [path] } },
    }),
    before,
  );
});

it('is not told to read files that would take the actions from a jail that runs', async () => {
  const before = await host.must(`${STATE}; fail2ban-client get sshd actions`);
  // emptied by somebody after the plan was made
  const validate = 'cp -p /etc/fail2ban/jail.conf /root/; : >/etc/fail2ban/jail.conf';
  const result = await apply({ filter: { file: { ...FILTER.filter.file, validate } }, ...JAIL });
  await host.must('cp -p /root/jail.conf /etc/fail2ban/');
  expect(result.exitCode, result.text).toBe(3);
  expect(result.tasks.jail!.reason).toContain(
    'No file of fail2ban gives the jail sshd an action, so it would ban nobody once they are read; is /etc/fail2ban/jail.conf empty or cut off?',
  );
  expect(result.tasks.jail!.reason).toContain(
    'are back as they were before this run; fail2ban itself was not touched',
  );
  expect(await host.must(`${STATE}; fail2ban-client get sshd actions`)).toBe(before);
});

it('nor files with a value that the server would refuse, which would leave no jail at all', async () => {
  const before = await host.must(STATE);
  const other = '[other]\\nenabled = true\\nfilter = sshd\\nbackend = systemd\\nfindtime = x\\n';
  const validate = `printf '${other}' >/etc/fail2ban/jail.d/zz.local`;
  const result = await apply({ filter: { file: { ...FILTER.filter.file, validate } }, ...JAIL });
  await host.must('rm /etc/fail2ban/jail.d/zz.local');
  expect(result.exitCode, result.text).toBe(3);
  expect(result.tasks.jail!.reason).toContain(
    "fail2ban could not take over its files: [other] findtime = x: name 'x' is not defined. The files in /etc/fail2ban are back as they were before this run; fail2ban itself was not touched",
  );
  expect(await host.must(STATE)).toBe(before);
});

it.skipIf(isPart)('nor files of a run in which it stopped answering', async () => {
  const before = await host.must(STATE);
  const result = await apply({ filter: { file: { ...FILTER.filter.file, validate: HANG } }, ...JAIL });
  await host.must(GO_ON);
  expect(result.exitCode, result.text).toBe(3);
  expect(result.tasks.jail!.reason).toContain(
    'fail2ban runs, and does not answer. The files in /etc/fail2ban are back as they were before this run; fail2ban itself was not touched',
  );
  expect(await host.must(STATE)).toBe(before);
});

it.skipIf(isPart)('a fail2ban that hangs is said to hang, with what to do, by the doctor too', async () => {
  await host.must(HANG);
  try {
    const hangs =
      'it runs, and has not answered for 5 s, so it bans nobody new and takes over no change: systemctl restart fail2ban (';
    const result = await apply({
      jail: { fail2ban_jail: { name: 'sshd', backend: 'systemd', ...values, maxretry: 4 } },
    });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.jail!.reason).toContain(hangs);
    const doctor = await record('doctor', host.inventory());
    expect(doctor.exitCode, doctor.text).toBe(3);
    expect(doctor.tasks['doctor.services']!.reason).toContain(hangs);
  } finally {
    await host.must(GO_ON);
  }
});

it('a fail2ban that did not run does not run afterwards either', async () => {
  await host.must('systemctl -q disable --now fail2ban');
  const stopped = STATE.replaceAll(/fail2ban-client [^;]*;/g, '');
  const before = await host.must(stopped);
  const result = await apply({ ...FILTER, ...JAIL, server: { service: { name: 'fail2ban' } } });
  expect(result.exitCode, result.text).toBe(4);
  expect(await host.must(stopped)).toBe(before);
  expect((await login(host, 'true')).code).toBe(0);
  // nor does it remember the ban for its next start
  expect(
    await host.must(
      'systemctl start fail2ban; until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done; fail2ban-client banned',
    ),
  ).not.toContain(operator);
});
