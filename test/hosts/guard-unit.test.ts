import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectUndone, UNTOUCHED } from './expect-undone.ts';
import { login, startHost, type TestHost } from './host.ts';
import { applyTasks, type TasksById } from './record.ts';
import { sshdTasks } from './sshd-tasks.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

const apply = (tasks: TasksById, seconds = 10) => applyTasks(host, tasks, seconds);

describe.sequential('a unit that nobody knows, which loads rules', () => {
  const UNIT = '/etc/systemd/system/my-firewall.service';
  const RULES = '/srv/my-rules';
  const CLOSED = 'iptables -I INPUT -p tcp --dport 22 --syn -j DROP\n';
  const OPEN = 'iptables -I INPUT -p tcp --dport 25 -j ACCEPT\n';
  // early, as a firewall is: at a boot only the undoing may come before it
  const unit = `[Unit]\nDefaultDependencies=no\nAfter=local-fs.target\nBefore=network-pre.target\n
[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh ${RULES}\nExecStop=/bin/sh -c "! [ -e ${RULES}.stop ] || . ${RULES}.stop"\n
[Install]\nWantedBy=sysinit.target\n`;
  const firewall = (rules: string) => ({
    rules: { file: { path: RULES, content: rules } },
    unit: { file: { path: UNIT, content: unit } },
    firewall: { service: { name: 'my-firewall', tracks: [RULES], restart: true } },
  });
  const STATE = `iptables-save | grep ^-; ls ${UNIT}; cat ${RULES}; systemctl is-active my-firewall; systemctl is-enabled my-firewall; ls /etc/systemd/system/sysinit.target.wants`;
  const state = () => host.must(`{ ${STATE}; } 2>&1 || :`);

  it('that let nobody in, made new: it does not run, nor at boot, and its rules are gone', async () => {
    const { firewall: service, ...files } = firewall(CLOSED);
    expect((await apply(files)).exitCode).toBe(0);
    const [before, seen] = [await host.must(UNTOUCHED), await state()];
    expect(seen).toContain('inactive\ndisabled');
    await expectUndone(host, await apply({ service }), before, { service: 'rolled-back' });
    expect(await state()).toBe(seen);
  });

  it('is confirmed by a login where they let everybody in, made new beside a change of sshd', async () => {
    await host.must(`rm ${UNIT} ${RULES}; systemctl daemon-reload`);
    const result = await apply({ ...sshdTasks('MaxSessions 9'), ...firewall(OPEN) }, 60);
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host.connections).toBe(2);
    expect(await state()).toContain('--dport 25 -j ACCEPT');
  });

  it('started anew with rules that let nobody in: it runs as before, and the firewall is as before', async () => {
    const [before, seen] = [await host.must(UNTOUCHED), await state()];
    const states = { rules: 'rolled-back', unit: 'ok', firewall: 'rolled-back' };
    await expectUndone(host, await apply(firewall(CLOSED)), before, states);
    expect(await state()).toBe(seen);
  });

  it('that closes when it is stopped: the firewall is as before', async () => {
    await host.must(`echo ${CLOSED.trim()} > ${RULES}.stop`);
    const [before, seen] = [await host.must(UNTOUCHED), await state()];
    const { firewall: task } = firewall(OPEN);
    const stop = await apply({ firewall: { service: { ...task.service, state: 'absent' } } });
    await expectUndone(host, stop, before, { firewall: 'rolled-back' });
    expect(await state()).toBe(seen);
    await host.must(`rm ${RULES}.stop`);
  });

  it('which file systems wait for, and so the undoing as well: that makes no circle at the next boot', async () => {
    await host.must(`printf '[Unit]\\nDefaultDependencies=no\\nBefore=local-fs-pre.target\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n' >/etc/systemd/system/early.service
      systemctl daemon-reload`);
    const undo = '/etc/systemd/system/harden-undo.service';
    const validate = `{ systemd-analyze verify ${undo} early.service; cat ${undo}; } >/tmp/said 2>&1 || :`;
    const result = await apply(
      {
        early: { service: { name: 'early', enabled: false } },
        sudo: { file: { path: '/etc/sudoers.d/zz', mode: '0440', content: '# nothing\n', validate } },
      },
      60,
    );
    expect(result.exitCode, result.text).toBe(0);
    const said = await host.must('cat /tmp/said');
    expect(said).toContain('Before=sysinit.target');
    expect(said).not.toContain('cycle');
    expect(said).not.toContain('early.service');
  });

  it('on a host that loses its power while it waits: it starts with what stood before', async () => {
    const seen = await state();
    const ended = apply(firewall(CLOSED), 60);
    await host.must(
      'cd /var/lib/harden/runs; until [ -e current/pending ] && grep -q "guard waiting" current/journal; do sleep 0.05; done; iptables-save | grep DROP',
    );
    await host.cutPower();
    expect(await state()).toBe(seen);
    expect((await login(host, 'sudo -n id -u')).code).toBe(0);
    expect((await ended).exitCode).not.toBe(0);
  });
});
