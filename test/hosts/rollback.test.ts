import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startHost, type TestHost } from './host.ts';
import { applyTasks, record, statuses } from './record.ts';
import { changed, lastingState, snapshotOf } from './snapshot.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

const runs = async () => {
  const log = await record('log', host.inventory());
  expect(log.exitCode, log.text).toBe(0);
  expect(log.host).toMatchObject({ connections: 1, roundTrips: 1 });
  return log.host.runs ?? [];
};

/** A playbook that only writes a file. */
const writes = (path: string, content: string) => ({
  'playbook.yaml': stringify({ name: 'x', tasks: [{ id: 'x', name: 'x', file: { path, content } }] }),
});

const dryRun = (...args: string[]) => record('rollback', host.inventory(), { args: ['--dry-run', ...args] });

async function rolledBack(...args: string[]) {
  const result = await record('rollback', host.inventory(), { args });
  expect(result.exitCode, result.text).toBe(0);
  return result;
}

describe('rollback', () => {
  it('has nothing to do on a host that harden never touched, and leaves no trace there', async () => {
    const before = await host.diff();
    expect(await runs()).toEqual([]);
    const result = await rolledBack();
    expect(result.tasks.rollback).toMatchObject({
      status: 'ok',
      reason: 'harden has applied nothing here that it remembers',
    });
    expect(
      (await host.diff()).filter((path) => !before.includes(path) && !/^\/var\/(log|lib\/sudo)/.test(path)),
    ).toEqual([]);
  });

  it('of the first apply leaves the host as it was, and a second one changes nothing', async () => {
    const fresh = await lastingState(host);
    const applied = await record('apply', host.inventory());
    expect(applied.exitCode, applied.text).toBe(0);
    expect(await runs()).toMatchObject([
      {
        command: 'apply',
        state: 'done',
        tasks: expect.arrayContaining(['fail2ban.installed', 'firewall.limits']),
      },
    ]);
    const there = await snapshotOf(host);
    const shown = await dryRun();
    expect(shown.exitCode, shown.text).toBe(2);
    expect(shown.host).toMatchObject({ status: 'drift', connections: 1, roundTrips: 1 });
    expect(shown.text).toMatch(/^\s+-\s*maxretry = 2$/m);
    expect(shown.text).toMatch(/^1 host: 1 to roll back\nnext: harden rollback inventory.yaml$/m);
    expect(changed(there.state, (await snapshotOf(host)).state)).toEqual([]);
    expect(await runs()).toHaveLength(1);

    // what came later stands on the packages
    const small = host.inventory({ playbook: 'playbook.yaml' });
    const files = writes('/etc/fail2ban/action.d/mine.conf', '[Definition]\n');
    expect((await record('apply', small, { files })).exitCode).toBe(0);
    const [first, later] = (await runs()).map(({ id }) => id);
    const under = await dryRun('--run', first!);
    expect(under.exitCode, under.text).toBe(3);
    expect(under.tasks.rollback?.reason).toContain(
      `roll back the later run first: harden rollback --run ${later}`,
    );
    await rolledBack();

    const result = await rolledBack('--run', first!);
    expect(statuses(result)).toEqual({ rollback: 'changed' });
    const after = await lastingState(host);
    expect(after.listing).toBe(fresh.listing);
    expect(changed(fresh.snapshot.state, after.snapshot.state)).toEqual([]);
    expect(await host.must('iptables-save; ip6tables-save; nft list ruleset 2>/dev/null || :')).not.toMatch(
      /HARDEN|DDOS|f2b/,
    );
    expect((await rolledBack('--run', first!)).tasks.rollback?.reason).toMatch(
      /^everything is as it was before run [0-9a-f]{24} /,
    );
    expect((await dryRun()).exitCode).toBe(0);
    expect((await runs()).map(({ command, state }) => [command, state])).toEqual([
      ['apply', 'done'],
      ['apply', 'done'],
      ['rollback', 'done'],
      ['rollback', 'done'],
    ]);
  });

  it('of a later apply gives back bytes, mode and owner, the limits and the running values that it found', async () => {
    await host.stop();
    host = await startHost({ kind: 'hardened' });
    await host.must(`
      printf '# mine\\r\\n' >>/etc/fail2ban/jail.d/james.conf; chown daemon:mail /etc/fail2ban/jail.d/james.conf; chmod 0604 /etc/fail2ban/jail.d/james.conf
      sed -i '/<AppenderRef ref="James/d' /opt/james/conf/log4j2.xml; chmod 0640 /opt/james/conf/log4j2.xml
      sed -i 's/^maxretry.*/maxretry = 7/' /etc/fail2ban/jail.d/defaults-debian.conf; fail2ban-client reload >/dev/null`);
    const before = await snapshotOf(host);
    const again = await record('apply', host.inventory({ vars: { smtp_hitcount: 9 } }));
    expect(again.exitCode, again.text).toBe(0);
    const diff = await record('rollback', host.inventory(), { args: ['-v'] });
    expect(diff.exitCode, diff.text).toBe(0);
    expect(diff.text).toMatch(/^\s+-\s*maxretry = 2$/m);
    expect(diff.text).toMatch(/^\s+\+\s*maxretry = 7$/m);
    expect(changed(before.state, (await snapshotOf(host)).state)).toEqual([]);
    expect(await host.must('stat -c "%U:%G %a" /etc/fail2ban/jail.d/james.conf')).toBe('daemon:mail 604');
  });

  it('leaves alone what others changed since, and an earlier run under a later one', async () => {
    const inventory = host.inventory({ playbook: 'playbook.yaml' });
    for (const content of ['one\n', 'two\n']) {
      expect((await record('apply', inventory, { files: writes('/etc/x', content) })).exitCode).toBe(0);
    }
    const [one, two] = (await runs()).slice(-2);
    const under = await record('rollback', inventory, { args: ['--run', one!.id] });
    expect(under.exitCode, under.text).toBe(3);
    expect(under.tasks.rollback?.reason).toBe(
      `/etc/x was changed since that run: roll back the later run first: harden rollback --run ${two!.id}`,
    );
    await host.must('echo mine >>/etc/x');
    const foreign = await record('rollback', inventory);
    expect(foreign.exitCode, foreign.text).toBe(3);
    expect(foreign.tasks.rollback?.reason).toMatch(
      /by no apply that harden remembers: put it right yourself \(/,
    );
    expect(await host.must('cat /etc/x')).toBe('two\nmine');
    await host.must("printf 'two\\n' >/etc/x");
    expect((await record('rollback', inventory)).exitCode).toBe(0);
    expect(await host.must('cat /etc/x')).toBe('one');
    expect((await record('rollback', inventory, { args: ['--run', one!.id] })).exitCode).toBe(0);
    expect((await host.exec('test -e /etc/x')).code).toBe(1);
  });

  it('of a run that nobody knows says where to look', async () => {
    const result = await record('rollback', host.inventory(), { args: ['--run', 'f'.repeat(24)] });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.rollback?.reason).toMatch(/remembers no run f+; harden log lists/);
  });

  it('masks no unit whose file, as it stood there before, is a mask already', async () => {
    const path = '/etc/systemd/system/own.service';
    await host.must(
      `mkdir -p /etc/linked; : >/etc/linked/own.service; ln -s /etc/linked/own.service ${path}; systemctl daemon-reload`,
    );
    const content = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';
    const applied = await applyTasks(
      host,
      {
        file: { file: { path, content } },
        own: { service: { name: 'own' } },
      },
      30,
    );
    expect(applied.exitCode, applied.text).toBe(0);
    await rolledBack();
    expect(
      await host.must(`stat -c '%F %s' ${path} /etc/linked/own.service; systemctl is-enabled own || :`),
    ).toBe('symbolic link 23\nregular empty file 0\nmasked');
  });
});
