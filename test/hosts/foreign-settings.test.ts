import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ kind: 'hardened' });
});
afterAll(() => host?.stop());

describe.sequential("somebody's jail that fail2ban leaves out", () => {
  const OWN = '/etc/fail2ban/jail.d/zz.local';
  const SECTION =
    '[own]\\nenabled = true\\nfilter = nonesuch\\nbackend = polling\\nlogpath = /var/log/own.log\\n';
  const values = (sshd_maxretry: number) => ({ vars: { sshd_maxretry } });

  it('stops no change and no start, and is told of', async () => {
    await host.must(`printf '${SECTION}' >${OWN}`);
    const note = expect.stringMatching(/^fail2ban leaves out \[own\] when it reads its files: .*'nonesuch'/);
    const seen = await record('check', host.inventory());
    expect(seen.exitCode, seen.text).toBe(0);
    expect(seen.tasks['fail2ban.sshd']?.notes).toContainEqual(note);

    for (const [prepare, vars] of [
      [':', values(4)],
      ['systemctl stop fail2ban', values(4)],
      ['systemctl stop fail2ban', values(2)],
    ] as const) {
      await host.must(prepare);
      const check = await record('check', host.inventory(vars));
      expect(check.exitCode, check.text).toBe(2);
      const applied = await record('apply', host.inventory(vars));
      expect(applied.exitCode, applied.text).toBe(0);
      expect((await record('check', host.inventory(vars))).exitCode).toBe(0);
      expect(await host.must('fail2ban-client status | grep list')).toMatch(/james, sshd$/);
    }
    await host.must(`rm ${OWN}`);
  });

  it('stops a change that would end it', async () => {
    await host.must(`printf '[Definition]\\nfailregex = ^no <HOST>$\\n' >/etc/fail2ban/filter.d/nonesuch.conf
      touch /var/log/own.log; printf '${SECTION}' >${OWN}; fail2ban-client reload
      mv /etc/fail2ban/filter.d/nonesuch.conf /tmp/`);
    expect((await record('check', host.inventory())).exitCode).toBe(0);
    for (const command of ['check', 'apply'] as const) {
      const seen = await record(command, host.inventory(values(4)));
      expect(seen.exitCode, seen.text).toBe(3);
      expect(seen.tasks['fail2ban.sshd']).toMatchObject({
        status: 'blocked',
        reason: expect.stringMatching(
          /^\[own\] runs, and fail2ban leaves it out once it reads its files: .*'nonesuch'/,
        ),
      });
    }
    expect(await host.must('fail2ban-client status | grep list')).toMatch(/james, own, sshd$/);
    await host.must(`rm ${OWN} /var/log/own.log; fail2ban-client reload`);
  });
});

it('a value of another file is overridden where the playbook says so, and stays as it is', async () => {
  const consent = { vars: { override: true } };
  await host.must("printf '[james]\nmaxretry = 9\n' >/etc/fail2ban/jail.local; fail2ban-client reload");
  const seen = await record('check', host.inventory(consent));
  expect(seen.exitCode, seen.text).toBe(2);
  expect(seen.tasks['fail2ban.james']?.reason).toContain('/etc/fail2ban/jail.local:2 overrides maxretry');

  const applied = await record('apply', host.inventory(consent));
  expect(applied.exitCode, applied.text).toBe(0);
  expect(await host.must('fail2ban-client get james maxretry; cat /etc/fail2ban/jail.local')).toBe(
    '2\n[james]\nmaxretry = 9',
  );
  expect((await record('check', host.inventory(consent))).exitCode).toBe(0);

  await host.must('rm /etc/fail2ban/jail.local');
  expect((await record('check', host.inventory(consent))).exitCode).toBe(0);
});
