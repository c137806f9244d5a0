import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testedDistribution } from './distributions.ts';
import { expectUndone, UNTOUCHED } from './expect-undone.ts';
import { login, startHost, type TestHost } from './host.ts';
import { isPart, rowsFor } from './long.ts';
import { applyTasks, statuses, type TasksById } from './record.ts';
import { SSHD_PART, sshdTasks } from './sshd-tasks.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

/** How sshd takes over its configuration. */
const WAYS: readonly (readonly [name: string, service: object])[] = [
  ['reload', {}],
  ['restart', { restart: true }],
];

const apply = (tasks: TasksById, seconds = 10) => applyTasks(host, tasks, seconds);

describe.sequential('sshd', () => {
  const REFUSING: readonly (readonly [name: string, content: string, service: object, why: string])[] = [
    ['admits nobody', 'AllowUsers nobody', {}, 'the login was rejected'],
    ['listens elsewhere, started anew', 'Port 2222', { restart: true }, 'it refused the connection'],
  ];
  it.each(rowsFor(REFUSING))('that %s is undone by the host', async (_name, content, service, why) => {
    const before = await host.must(UNTOUCHED);
    const result = await apply(sshdTasks(content, service));
    await expectUndone(host, result, before, { config: 'rolled-back', sshd: 'rolled-back' });
    expect(result.tasks.sshd?.reason).toContain(
      `no new login was possible after it within 10 s (${why}), so`,
    );
  });

  it.each(rowsFor(WAYS))(
    'that cannot read its configuration is never without it (%s)',
    async (_name, service) => {
      const before = await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`);
      const result = await apply(sshdTasks('NoSuchOption yes', service));
      await expectUndone(host, result, before.replace(/\n\d+$/, ''), {
        config: 'rolled-back',
        sshd: 'rolled-back',
      });
      expect(result.tasks.sshd?.reason).toMatch(
        /ssh\.service failed, so the host undid it: sshd refuses its .*NoSuchOption/,
      );
      expect(await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`)).toBe(before);
    },
  );

  it.each(rowsFor(WAYS))(
    'whose configuration somebody else broke keeps running as it does (%s)',
    async (_name, service) => {
      // Debian 11 tells the time of a reload in whole seconds
      await host.must(`sleep 1; echo NoSuchOption yes > ${SSHD_PART}`);
      const before = await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`);
      const result = await apply({ sshd: { service: { name: 'ssh', tracks: [SSHD_PART], ...service } } });
      expect(result.exitCode, result.text).toBe(4);
      expect(result.tasks.sshd?.reason).toContain('NoSuchOption');
      expect(await host.must(`${UNTOUCHED}; systemctl show -P MainPID ssh`)).toBe(before);
      expect((await login(host, 'true')).code).toBe(0);
      await host.must(`rm ${SSHD_PART}; reload_sshd`);
    },
  );

  it('that nothing makes read its configuration has it tried all the same, as it would not start again', async () => {
    const before = await host.must(UNTOUCHED);
    const result = await apply({ config: { file: { path: SSHD_PART, content: 'NoSuchOption yes\n' } } });
    await expectUndone(host, result, before, { config: 'rolled-back' });
    expect(result.tasks.config?.reason).toMatch(/sshd refuses its .*NoSuchOption/);
  });

  it.skipIf(isPart)('with options that its unit reads from a file which lies elsewhere', async () => {
    const before = await host.must(UNTOUCHED);
    const path = '/etc/default/ssh';
    const result = await apply({
      options: { file: { path, content: 'SSHD_OPTS="-p 2222"\n' } },
      sshd: { service: { name: 'ssh', tracks: [path], restart: true } },
    });
    await expectUndone(host, result, before, { options: 'rolled-back', sshd: 'rolled-back' });
  });

  it('that lets the operator in is confirmed by one more connection', async () => {
    const connections = await host.connections();
    const result = await apply(sshdTasks('LogLevel VERBOSE\nMaxSessions 8'), 60);
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
  const OPERATORS: readonly (readonly [name: string, tasks: TasksById])[] = [
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
  ];
  const GREETING: TasksById = {
    greeting: {
      file: { path: '/etc/update-motd.d/99-x', content: '#!/bin/sh\nsleep 100000\n', mode: '0755' },
    },
  };
  const undoes = async (tasks: TasksById) => {
    const before = await host.must(UNTOUCHED);
    const states = Object.fromEntries(Object.keys(tasks).map((id) => [id, 'rolled-back']));
    await expectUndone(host, await apply(tasks), before, states);
  };
  it.each(OPERATORS)('%s: undone by the host', (_name, tasks) => undoes(tasks));
  it.skipIf(isPart)('whose login hangs in what greets: undone by the host', () => undoes(GREETING));
});

// where it lies is no matter of the distribution
describe.skipIf(isPart).sequential('a door that lies where no other host has one:', () => {
  const file = (path: string, content: string, more: object = {}) => ({ file: { path, content, ...more } });
  const CLOSED = file('/opt/door/key', '# none\n');
  const KEY = '/home/admin/.ssh/authorized_keys';
  const sshdReads = (text: string) =>
    `echo '${text}' > ${SSHD_PART}; reload_sshd; sleep 1; ! [ -e ${KEY} ] || mv ${KEY} /opt/door/key`;

  beforeEach(() => host.must('mkdir /opt/door; cp -a /etc/passwd /etc/sudoers /root'));
  afterEach(() =>
    host.must(`
      [ ! -d /opt/door/admin ] || mv /opt/door/admin /home
      [ ! -e /opt/door/key ] || mv -T /opt/door/key ${KEY}
      cp -a /root/passwd /root/sudoers /etc; rm -rf ${SSHD_PART} /opt/door; reload_sshd`),
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

  const DOORS: readonly (readonly [string, string, object])[] = [
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
  ];

  it.each(DOORS)('%s', async (_name, prepare, door) => {
    await host.must(prepare);
    const state = `${UNTOUCHED.replaceAll(' /home/admin', ' $(readlink -f ~admin)')}; find /opt/door -exec stat -c '%n %a %U:%G %s' {} + | sort; stat -Lc %a /lib; sha256sum /etc/ssl/openssl.cnf`;
    const before = await host.must(state);
    await expectUndone(host, await apply({ door }), before, { door: 'rolled-back' }, state);
  });

  it('what sshd includes from there, confirmed by one more connection', async () => {
    await host.must(`echo 'Include /opt/door/*.conf' > ${SSHD_PART}; reload_sshd`);
    const result = await apply({ door: file('/opt/door/a.conf', 'MaxSessions 7\n') });
    expect(result.exitCode, result.text).toBe(0);
    expect(result.host.connections).toBe(2);
  });

  it('beside which other files are changed as ever', async () => {
    const result = await apply({ other: file('/opt/other', 'x\n') });
    expect([result.exitCode, result.host.connections, result.host.roundTrips]).toEqual([0, 1, 2]);
  });
});
