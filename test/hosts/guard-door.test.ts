import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { $ } from 'zx';
import { testedDistribution } from './distributions.ts';
import { login, startHost, type TestHost } from './host.ts';
import { applyTasks, type Record, record, statuses, type TasksById } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

const apply = (tasks: TasksById, seconds = 10) => applyTasks(host, tasks, seconds);

const UNTOUCHED = `
  find /etc/ssh /etc/default /etc/sudoers.d /etc/update-motd.d /home/admin -type f -exec sha256sum {} + -exec stat -c '%n %a %U:%G' {} + | sort
  stat -c '%n %a %U:%G' /home /home/admin /home/admin/.ssh /usr/bin/sudo
  systemctl is-active ssh; systemctl is-enabled ssh; ss -Hltn | awk '{ print $4 }' | sort
  ls /etc/systemd/system /etc/systemd/system/sysinit.target.wants`;

/** The run was undone, nothing of it is left, and the operator gets in. */
async function undone(result: Record, before: string, states: object, state = UNTOUCHED): Promise<void> {
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

const PATH = '/etc/ssh/sshd_config.d/x.conf';
const sshd = (content: string, service: object = {}) => ({
  config: { file: { path: PATH, content: `${content}\n` } },
  sshd: { service: { name: 'ssh', tracks: [PATH], ...service } },
});

describe.sequential('sshd', () => {
  it.each([
    ['admits nobody', 'AllowUsers nobody', {}, 'the login was rejected'],
    ['listens elsewhere, started anew', 'Port 2222', { restart: true }, 'it refused the connection'],
  ])('that %s is undone by the host', async (_name, content, service, why) => {
    const before = await host.must(UNTOUCHED);
    const result = await apply(sshd(content, service));
    await undone(result, before, { config: 'rolled-back', sshd: 'rolled-back' });
    expect(result.tasks.sshd?.reason).toContain(
      `no new login was possible after it within 10 s (${why}), so`,
    );
  });

  it.each([
    ['reload', {}],
    ['restart', { restart: true }],
  ])('that cannot read its configuration is never without it (%s)', async (_name, service) => {
    const before = await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`);
    const result = await apply(sshd('NoSuchOption yes', service));
    await undone(result, before.replace(/\n\d+$/, ''), { config: 'rolled-back', sshd: 'rolled-back' });
    expect(result.tasks.sshd?.reason).toMatch(
      /ssh\.service failed, so the host undid it: sshd refuses its .*NoSuchOption/,
    );
    expect(await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`)).toBe(before);
  });

  it.each([
    ['reload', {}],
    ['restart', { restart: true }],
  ])('whose configuration somebody else broke keeps running as it does (%s)', async (_name, service) => {
    // Debian 11 tells the time of a reload in whole seconds
    await host.must(`sleep 1; echo NoSuchOption yes > ${PATH}`);
    const before = await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`);
    const result = await apply({ sshd: { service: { name: 'ssh', tracks: [PATH], ...service } } });
    expect(result.exitCode, result.text).toBe(4);
    expect(result.tasks.sshd?.reason).toContain('NoSuchOption');
    expect(await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`)).toBe(before);
    expect((await login(host, 'true')).code).toBe(0);
    await host.must(`rm ${PATH}; systemctl reload ssh`);
  });

  it('that nothing makes read its configuration has it tried all the same, as it would not start again', async () => {
    const before = await host.must(UNTOUCHED);
    const result = await apply({ config: { file: { path: PATH, content: 'NoSuchOption yes\n' } } });
    await undone(result, before, { config: 'rolled-back' });
    expect(result.tasks.config?.reason).toMatch(/sshd refuses its .*NoSuchOption/);
  });

  it('with options that its unit reads from a file which lies elsewhere', async () => {
    const before = await host.must(UNTOUCHED);
    const path = '/etc/default/ssh';
    const result = await apply({
      options: { file: { path, content: 'SSHD_OPTS="-p 2222"\n' } },
      sshd: { service: { name: 'ssh', tracks: [path], restart: true } },
    });
    await undone(result, before, { options: 'rolled-back', sshd: 'rolled-back' });
  });

  it('that lets the operator in is confirmed by one more connection', async () => {
    const connections = await host.connections();
    const result = await apply(sshd('LogLevel VERBOSE\nMaxSessions 8'), 60);
    expect(result.exitCode, result.text).toBe(0);
    expect(statuses(result)).toEqual({ config: 'changed', sshd: 'changed' });
    expect(result.host.connections).toBe(2);
    expect(await host.connections()).toBe(connections + 2);
    expect(await host.must('sshd -T | grep maxsessions; ls /var/lib/harden/runs/current')).toMatch(
      /^maxsessions 8\n(.*\n)*confirmed\b/,
    );
    expect(await host.must('ls /etc/systemd/system')).not.toContain('harden-undo');
  });
});

describe.sequential('an operator', () => {
  it.each([
    [
      'whose key, home and shell let nobody in',
      {
        keys: { file: { path: '/home/admin/.ssh/authorized_keys', content: '# none\n', mode: '0640' } },
        home: { directory: { path: '/home/admin', mode: '0777', owner: 'admin' } },
        shell: { file: { path: '/home/admin/.bashrc', content: 'exit 1\n' } },
      },
    ],
    [
      'who cannot become root any more',
      {
        rule: { file: { path: '/etc/sudoers.d/zz', content: 'admin ALL=(ALL) !ALL\n', mode: '0440' } },
        program: { file: { path: '/usr/bin/sudo', mode: '0755' } },
      },
    ],
    [
      'whose login hangs in what greets',
      {
        greeting: {
          file: { path: '/etc/update-motd.d/99-x', content: '#!/bin/sh\nsleep 100000\n', mode: '0755' },
        },
      },
    ],
  ])('%s: undone by the host', async (_name, tasks) => {
    const before = await host.must(UNTOUCHED);
    const states = Object.fromEntries(Object.keys(tasks).map((id) => [id, 'rolled-back']));
    await undone(await apply(tasks), before, states);
  });
});

describe.sequential('a door of the host itself, which lies where no other host has one:', () => {
  const file = (path: string, content: string, more: object = {}) => ({ file: { path, content, ...more } });
  const CLOSED = file('/opt/door/key', '# none\n');
  const KEY = '/home/admin/.ssh/authorized_keys';
  const sshdReads = (text: string) =>
    `echo '${text}' > ${PATH}; systemctl reload ssh; sleep 1; ! [ -e ${KEY} ] || mv ${KEY} /opt/door/key`;

  beforeEach(() => host.must('mkdir /opt/door; cp -a /etc/passwd /etc/sudoers /root'));
  afterEach(() =>
    host.must(`
      [ ! -d /opt/door/admin ] || mv /opt/door/admin /home
      [ ! -e /opt/door/key ] || mv -T /opt/door/key ${KEY}
      cp -a /root/passwd /root/sudoers /etc; rm -rf ${PATH} /opt/door; systemctl reload ssh`),
  );

  // OpenSSL 1.1 goes on without what it cannot load
  const LINKED: [string, string, object][] =
    testedDistribution() === 'debian11'
      ? []
      : [
          [
            'what sshd is linked with',
            ':',
            file(
              '/etc/ssl/openssl.cnf',
              'openssl_conf = x\n[x]\nproviders = y\n[y]\nz = z_sect\n[z_sect]\nmodule = /none\nactivate = 1\n',
            ),
          ],
        ];

  it.each<[string, string, object]>([
    ['keys that are a link', `mv ${KEY} /opt/door/key; ln -s /opt/door/key ${KEY}`, CLOSED],
    ['keys that sshd is told of', sshdReads('AuthorizedKeysFile /opt/door/key'), CLOSED],
    [
      'a command that prints keys',
      `printf '#!/bin/sh\ncat /opt/door/key\n' > /opt/door/print; chmod 755 /opt/door/print
${sshdReads('AuthorizedKeysCommand /opt/door/print\nAuthorizedKeysCommandUser nobody')}`,
      file('/opt/door/print', '#!/bin/sh\nexit 1\n'),
    ],
    [
      'the way to them',
      sshdReads('AuthorizedKeysFile /opt/door/key'),
      { directory: { path: '/opt/door', mode: '0777' } },
    ],
    [
      'what sudoers includes',
      'mkdir /opt/door/sudo; echo "@includedir /opt/door/sudo" >> /etc/sudoers',
      file('/opt/door/sudo/zz', 'admin ALL=(ALL) !ALL\n', { mode: '0440' }),
    ],
    [
      'a home elsewhere',
      'mv /home/admin /opt/door/admin; sed -i s,/home/admin,/opt/door/admin, /etc/passwd',
      file('/opt/door/admin/.bashrc', 'exit 1\n'),
    ],
    ['the libraries', ':', { directory: { path: '/lib', mode: '0700' } }],
    ...LINKED,
  ])('%s', async (_name, prepare, door) => {
    await host.must(prepare);
    const state = `${UNTOUCHED.replaceAll(' /home/admin', ' $(readlink -f ~admin)')}; find /opt/door -exec stat -c '%n %a %U:%G %s' {} + | sort; stat -Lc %a /lib; sha256sum /etc/ssl/openssl.cnf`;
    const before = await host.must(state);
    await undone(await apply({ door }), before, { door: 'rolled-back' }, state);
  });

  it('what sshd includes from there, confirmed by one more connection', async () => {
    await host.must(`echo 'Include /opt/door/*.conf' > ${PATH}; systemctl reload ssh`);
    const result = await apply({ door: file('/opt/door/a.conf', 'MaxSessions 7\n') });
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host.connections).toBe(2);
  });

  it('beside which other files are changed as ever', async () => {
    const result = await apply({ other: file('/opt/other', 'x\n') });
    expect([result.exitCode, result.host.connections, result.host.roundTrips]).toEqual([0, 1, 2]);
  });
});

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
    await undone(await apply({ service }), before, { service: 'rolled-back' });
    expect(await state()).toBe(seen);
  });

  it('is confirmed by a login where they let everybody in, made new beside a change of sshd', async () => {
    await host.must(`rm ${UNIT} ${RULES}; systemctl daemon-reload`);
    const result = await apply({ ...sshd('MaxSessions 9'), ...firewall(OPEN) }, 60);
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host.connections).toBe(2);
    expect(await state()).toContain('--dport 25 -j ACCEPT');
  });

  it('started anew with rules that let nobody in: it runs as before, and the firewall is as before', async () => {
    const [before, seen] = [await host.must(UNTOUCHED), await state()];
    const states = { rules: 'rolled-back', unit: 'ok', firewall: 'rolled-back' };
    await undone(await apply(firewall(CLOSED)), before, states);
    expect(await state()).toBe(seen);
  });

  it('that closes when it is stopped: the firewall is as before', async () => {
    await host.must(`echo ${CLOSED.trim()} > ${RULES}.stop`);
    const [before, seen] = [await host.must(UNTOUCHED), await state()];
    const { firewall: task } = firewall(OPEN);
    const stop = await apply({ firewall: { service: { ...task.service, state: 'absent' } } });
    await undone(stop, before, { firewall: 'rolled-back' });
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
    await $({ quiet: true })`docker kill ${host.name}`;
    await host.restart();
    expect(await state()).toBe(seen);
    expect((await login(host, 'sudo -n id -u')).code).toBe(0);
    expect((await ended).exitCode).not.toBe(0);
  });
});
