import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startHost, type TestHost } from './host.ts';
import { type Record, record, statuses } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ kind: 'fail2ban' });
});
afterAll(() => host?.stop());

type Tasks = readonly object[];

const run = (
  command: 'check' | 'diff' | 'apply',
  tasks: Tasks,
  vars: object = {},
  files: object = {},
): Promise<Record> =>
  record(command, host.inventory({ playbook: 'playbook.yaml', vars }), {
    files: { ...files, 'playbook.yaml': stringify({ name: 'some tasks', tasks }) },
  });

/** From pending to proven to in sync. */
async function converge(tasks: Tasks, vars: object = {}, files: object = {}): Promise<Record> {
  const before = await run('check', tasks, vars, files);
  expect(before.exitCode, before.text).toBe(2);
  const applied = await run('apply', tasks, vars, files);
  expect(applied.exitCode, applied.text).toBe(0);
  const after = await run('check', tasks, vars, files);
  expect(after.exitCode, after.text).toBe(0);
  return applied;
}

const bytes = async (path: string): Promise<string> =>
  Buffer.from(await host.must(`base64 <'${path.replaceAll("'", "'\\''")}'`), 'base64').toString();

/** What a shell, a printf, a template or a terminal would take for more than text. */
const HOSTILE: readonly (readonly [name: string, value: string])[] = [
  ['quotes', `it's "quoted" \`id\``],
  ['a command', '$(touch /pwned) `touch /pwned`; touch /pwned & | > /pwned'],
  ['line breaks', 'a\nb\r\nc\n\n'],
  ['percent signs', '100%s %n %d %% %(here)s'],
  ['braces', '{{ not.a.variable }} {% raw %} ${HOME} {{'],
  ['a leading dash', '-rf --help -n'],
  ['other letters', 'Grüße, 世界, \u{1f4ec}, a\u0301'],
  ['backslashes', String.raw`\n \\ \0 \u0041 \$HOME !! ~ * ? [a-z]`],
  ['a heredoc', 'EOF\nHARDEN\n@@\n.\n'],
  ['nothing', ''],
];

const PATHS = [
  "/etc/h/it's $(touch pwned)",
  '/etc/h/-rf',
  '/etc/h/100%s "x" {y}',
  '/etc/h/Grüße *',
  '/etc/h/a;b&c|d>e',
];

describe('values arrive literally', () => {
  beforeAll(async () => {
    await host.must('rm -rf /etc/h && mkdir /etc/h');
    const file = (name: string, n: number, params: object) => ({
      id: `${name}${n}`,
      name,
      file: { path: `/etc/h/${name}${n}`, ...params },
    });
    await converge(
      [
        ...HOSTILE.flatMap(([, value], n) => [
          file('inline', n, { content: value.replaceAll('{{', "{{ '{{' }}") }),
          file('variable', n, { content: `{{ value${n} }}` }),
          file('source', n, { source: `source${n}.txt` }),
          file('template', n, { template: `template${n}.txt` }),
        ]),
        ...PATHS.flatMap((path, n) => [
          { id: `folder${n}`, name: 'folder', directory: { path: `${path}.d`, mode: '0750' } },
          { id: `path${n}`, name: 'path', file: { path, content: 'x\n', mode: '0640', owner: 'james' } },
        ]),
      ],
      Object.fromEntries(HOSTILE.map(([, value], n) => [`value${n}`, value])),
      Object.fromEntries(
        HOSTILE.flatMap(([, value], n) => [
          [`source${n}.txt`, value],
          [`template${n}.txt`, `before {{ value${n} }} after`],
        ]),
      ),
    );
  });

  it.each(HOSTILE.map(([name, value], n) => ({ name, value, n })))(
    '$name as content, variable and template',
    async ({ value, n }) => {
      for (const name of ['inline', 'variable', 'source'])
        expect(await bytes(`/etc/h/${name}${n}`)).toBe(value);
      expect(await bytes(`/etc/h/template${n}`)).toBe(`before ${value} after`);
    },
  );

  it.each(PATHS)('path %s', async (path) => {
    expect(await bytes(path)).toBe('x\n');
    expect(await host.must(`stat -c '%a %U' '${path.replaceAll("'", "'\\''")}.d'`)).toBe('750 root');
  });

  it('and nothing else is there', async () => {
    const made = HOSTILE.flatMap((_, n) =>
      ['inline', 'variable', 'source', 'template'].map((name) => name + n),
    );
    expect((await host.must('ls -1N /etc/h')).split('\n').sort()).toEqual(
      [...made, ...PATHS.flatMap((path) => [path, `${path}.d`]).map((path) => path.slice(7))].sort(),
    );
    expect((await host.exec('ls /pwned /root/pwned /home/*/pwned /var/lib/harden*/pwned')).stdout).toBe('');
  });

  it('a command is the user’s own code, and one exec', async () => {
    const applied = await converge([
      {
        id: 'command',
        name: 'command',
        command: { run: 'printf "%s\\n" \'it"s $(x) 100%\' "Grüße" >/etc/made', creates: '/etc/made' },
      },
    ]);
    expect(applied.host.roundTrips).toBe(2);
    expect(await bytes('/etc/made')).toBe('it"s $(x) 100%\nGrüße\n');
  });
});

describe('file', () => {
  it('keeps the mode and owner that are not named, and follows a link', async () => {
    await host.must(
      'echo old >/etc/real; chown james:mail /etc/real; chmod 0604 /etc/real; ln -sf real /etc/link',
    );
    await converge([{ id: 'file', name: 'file', file: { path: '/etc/link', content: 'new\n' } }]);
    expect(await host.must('stat -c "%U:%G %a %F" /etc/real; readlink /etc/link; cat /etc/real')).toBe(
      'james:mail 604 regular file\nreal\nnew',
    );
  });

  it.each([
    ['the file itself', 'ln -s /etc/shadow /srv/james/x'],
    ['its folder', 'mkdir /srv/james/d; rmdir /srv/james/d; ln -s /etc /srv/james/d', '/srv/james/d/shadow'],
    ['a link that root made to it', 'ln -s /etc/shadow /srv/james/y', '/srv/root-link'],
  ])(
    'is left alone where another user chose by a link what it is: %s',
    async (_, trap, path = '/srv/james/x') => {
      await host.must(`rm -rf /srv/james /srv/root-link; install -d -o james /srv/james; ln -s /srv/james/y /srv/root-link
      runuser -u james -- sh -c '${trap}'`);
      const before = await host.must('stat -c "%U %a" /etc/shadow; sha256sum /etc/shadow');
      const tasks = [
        { id: 'log', name: 'log', file: { path, owner_from: '/srv/james' } },
        { id: 'text', name: 'text', file: { path: `${path}2`, content: 'x' } },
      ];
      const looked = await run('check', [tasks[0]!]);
      expect(looked.exitCode, looked.text).toBe(3);
      expect(looked.tasks.log?.reason).toContain('a symbolic link leads to it that belongs to another user');
      await run('apply', tasks);
      expect(await host.must('stat -c "%U %a" /etc/shadow; sha256sum /etc/shadow')).toBe(before);
      expect((await host.exec('ls /etc/shadow2')).code).not.toBe(0);
    },
  );

  it('is not moved into place when its validation fails', async () => {
    const tasks = [
      {
        id: 'sudoers',
        name: 'sudoers',
        file: { path: '/etc/sudoers.d/x', content: 'nonsense\n', mode: '0440', validate: 'visudo -cf "$1"' },
      },
    ];
    const result = await run('apply', tasks);
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.sudoers?.status).toBe('failed');
    expect(result.tasks.sudoers?.reason).toMatch(/syntax error|parse/);
    expect(await host.must('ls -A /etc/sudoers.d')).toBe('README\nadministrators');
  });

  it('is not shown by its validation, if it is sensitive', async () => {
    const file = { path: '/etc/sudoers.d/x', content: 'hunter2 s3cret line\n', validate: 'visudo -cf "$1"' };
    const tasks = [{ id: 'sudoers', name: 'sudoers', file: { ...file, mode: '0440', sensitive: true } }];
    const result = await run('apply', tasks);
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.sudoers?.reason).toContain(
      'the new /etc/sudoers.d/x is not valid: its validate command ended with exit status 1, and what it said is not shown, because the file is sensitive',
    );
    expect(JSON.stringify(result)).not.toContain('hunter2');
    expect(await host.must('journalctl --no-pager | grep -c hunter2 || :')).toBe('0');
    const kept =
      'for word in $(cat /var/lib/harden/runs/*/journal); do echo "$word" | base64 -d 2>/dev/null; done';
    expect(await host.must(`${kept} | grep -ac hunter2 || :`)).toBe('0');
  });

  it('shows no diff of what is sensitive, anywhere', async () => {
    await host.must('echo 0ld-s3cret >/etc/secret');
    const tasks = [
      {
        id: 'secret',
        name: 'secret',
        file: { path: '/etc/secret', content: 'n3w-s3cret\n', mode: '0600', sensitive: true },
      },
    ];
    const looked = await run('diff', tasks);
    expect(looked.exitCode).toBe(2);
    const applied = await run('apply', tasks);
    expect(applied.exitCode, applied.text).toBe(0);
    expect(JSON.stringify([looked, applied])).not.toMatch(/0ld-s3cret|n3w-s3cret/);
    expect(await host.must('stat -c %a /etc/secret; cat /etc/secret')).toBe('600\nn3w-s3cret');
    expect(await host.must('journalctl --no-pager | grep -c s3cret || :')).toBe('0');
  });

  it('shows no diff of what was sensitive once, when it is changed or taken away', async () => {
    const file = { path: '/etc/once', content: 'hunter2\n' };
    const secret = (over: object) => [{ id: 'once', name: 'once', file: { ...file, ...over } }];
    const first = await run('apply', secret({ sensitive: true }));
    expect(first.exitCode, first.text).toBe(0);
    for (const over of [{ content: 'plain\n' }, { state: 'absent' }]) {
      for (const command of ['diff', 'apply'] as const) {
        const result = await run(command, secret(over));
        expect(result.exitCode, result.text).toBe(command === 'diff' ? 2 : 0);
        expect(JSON.stringify(result)).not.toContain('hunter2');
        expect(result.text).not.toContain('hunter2');
        if (command === 'diff') {
          expect(result.tasks.once?.notes).toEqual([
            'the content of /etc/once is not shown: an earlier run noted that it is sensitive',
          ]);
        }
      }
    }
  });

  it('is refused where it was changed since it was looked at', async () => {
    await host.must('echo old >/etc/raced');
    const tasks = [
      // a barrier before it, so that its plan is made, and another hand is quicker
      {
        id: 'other',
        name: 'other',
        file: { path: '/etc/before', content: 'x\n', validate: 'echo theirs >/etc/raced' },
      },
      { id: 'raced', name: 'raced', file: { path: '/etc/raced', content: 'ours\n' } },
    ];
    const result = await run('apply', tasks);
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.raced?.status).toBe('failed');
    expect(await bytes('/etc/raced')).toBe('theirs\n');
  });
});

describe('service', () => {
  it('is started and enabled, and told of a changed file that it tracks', async () => {
    await host.must(`printf '[Service]\\nExecStart=/bin/sleep infinity\\nExecReload=/bin/touch /run/reloaded\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/toy.service
      systemctl daemon-reload`);
    const tasks = (content: string) => [
      { id: 'conf', name: 'conf', file: { path: '/etc/toy.conf', content } },
      { id: 'toy', name: 'toy', service: { name: 'toy', tracks: ['/etc/toy.conf'] } },
    ];
    await converge(tasks('a\n'));
    expect(await host.must('systemctl is-active toy; systemctl is-enabled toy')).toBe('active\nenabled');
    await converge(tasks('b\n'));
    expect(await host.must('ls /run/reloaded')).toBe('/run/reloaded');
    await host.must('sleep 1.1; echo c >/etc/toy.conf');
    const owed = await run('check', tasks('c\n'));
    expect(statuses(owed)).toEqual({ conf: 'ok', toy: 'drift' });
    expect(owed.tasks.toy?.reason).toMatch(/a restart is owed: .*toy\.conf/);
    expect((await run('apply', tasks('c\n'))).exitCode).toBe(0);
    expect((await run('check', tasks('c\n'))).exitCode).toBe(0);
  });

  it('that dies is not called started', async () => {
    await host.must(
      `printf '[Service]\\nExecStart=/bin/sh -c "sleep 0.3; echo it broke; exit 1"\\n' >/etc/systemd/system/dies.service; systemctl daemon-reload`,
    );
    const result = await run('apply', [
      { id: 'dies', name: 'dies', service: { name: 'dies', enabled: false } },
    ]);
    expect(result.exitCode, result.text).toBe(4);
    expect(result.tasks.dies?.reason).toContain('it broke');
  });
});

describe('package', () => {
  it('waits for another apt, asks nothing, and keeps a changed conffile', async () => {
    await host.install('rsync');
    await host.must('apt-get -q -y remove rsync >/dev/null 2>&1; echo "# mine" >>/etc/default/rsync');
    // somebody's own apt, which holds the locks for as long as its hook runs
    await host.must(
      "systemd-run -q -E DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Pre-Invoke::='sleep 8' install tree; sleep 2",
    );
    const impatient = await host.exec('apt-get -y -o DPkg::Lock::Timeout=0 install rsync');
    expect(impatient.stderr).toContain('Could not get lock');
    await converge([{ id: 'rsync', name: 'rsync', package: { name: 'rsync' } }]);
    expect(await host.must('tail -n 1 /etc/default/rsync')).toBe('# mine');
  });

  it('comes where dpkg was cut off before its records were written to the end', async () => {
    await host.must('dpkg -s adduser >/var/lib/dpkg/updates/0001');
    expect((await host.exec('apt-get -y install less')).stderr).toContain('dpkg was interrupted');
    await converge([{ id: 'less', name: 'less', package: { name: 'less' } }]);
  });

  it('beside one that cannot be configured: what is installed, what is not whole, and what to do', async () => {
    await host.must(`mkdir -p /root/unlucky/DEBIAN; cd /root
      printf 'Package: unlucky\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.org>\\nDescription: x\\n' >unlucky/DEBIAN/control
      printf '#!/bin/sh\\nexit 1\\n' >unlucky/DEBIAN/postinst; chmod 755 unlucky/DEBIAN/postinst
      dpkg-deb -b unlucky unlucky.deb >/dev/null; ! dpkg -i unlucky.deb >/dev/null 2>&1`);
    const tasks = [{ id: 'csh', name: 'csh', package: { name: 'csh' } }];
    const result = await run('apply', tasks);
    await host.must('dpkg --purge unlucky');
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.csh?.reason).toMatch(
      /^install csh failed: csh is installed; unlucky is half-configured: dpkg --configure -a on the host shows why\. apt said: .*unlucky/,
    );
    expect((await run('check', tasks)).exitCode).toBe(0);
  });

  it('that does not exist: a sentence, and nothing changed', async () => {
    const result = await run('apply', [
      { id: 'none', name: 'none', package: { name: 'no-such-package-here' } },
    ]);
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.none?.reason).toMatch(/no-such-package-here/);
  });
});

describe('command', () => {
  const command = (run: string) => [{ id: 'run', name: 'run', command: { run, creates: '/etc/ran' } }];

  it('runs in a shell of its own', async () => {
    await converge(command('false; RUN=/nowhere; fail() { :; }; echo ran >/etc/ran'));
  });

  it('that no shell can read: a sentence, and the run goes on as one', async () => {
    await host.must('rm /etc/ran');
    const result = await run('apply', command('if true'));
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks.run).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/run if true failed: .*Syntax error/),
    });
  });
});

describe('fail2ban', () => {
  it('is restarted where that is owed, together with a changed jail', async () => {
    const tasks = (loglevel: string, maxretry: number) => [
      // nftables: what the bans of Debian 12 and later are made with
      {
        id: 'installed',
        name: 'installed',
        package: { name: ['fail2ban', 'python3-systemd', 'nftables'] },
      },
      {
        id: 'own',
        name: 'own',
        file: { path: '/etc/fail2ban/fail2ban.local', content: `[Definition]\nloglevel = ${loglevel}\n` },
      },
      {
        id: 'jail',
        name: 'jail',
        fail2ban_jail: {
          name: 'sshd',
          file: '/etc/fail2ban/jail.d/defaults-debian.conf',
          bantime: '1h',
          findtime: '1h',
          maxretry,
        },
      },
      {
        id: 'service',
        name: 'service',
        service: { name: 'fail2ban', tracks: ['/etc/fail2ban/fail2ban.local'], restart: true },
      },
    ];
    await converge(tasks('INFO', 2));
    await converge(tasks('NOTICE', 3));
    expect(await host.must('fail2ban-client get loglevel; fail2ban-client get sshd maxretry')).toMatch(
      /NOTICE'?\n3$/,
    );
  });
});

describe('what apply could not do is foreseen by check, and the other tasks go on', () => {
  const other = { id: 'other', name: 'other', file: { path: '/etc/foreseen', content: 'x\n' } };
  const applied = async (tasks: Tasks) => {
    await host.must('rm -f /etc/foreseen');
    const [check, apply] = [await run('check', tasks), await run('apply', tasks)];
    expect([check.exitCode, apply.exitCode], apply.text).toEqual([3, 3]);
    expect([check.tasks.other?.status, apply.tasks.other?.status]).toEqual(['drift', 'changed']);
    return [check.tasks.it, apply.tasks.it];
  };

  it.each([
    ['file', { path: '/etc/owned', content: 'x', owner: 'nobody-here' }, 'user nobody-here'],
    ['file', { path: '/etc/hostname', group: 'nobody-here' }, 'group nobody-here'],
    ['directory', { path: '/srv/owned', owner: 'nobody-here' }, 'user nobody-here'],
  ])('a %s is to belong to nobody that is known: %j', async (type, params, who) => {
    for (const one of await applied([{ id: 'it', name: 'it', [type]: params }, other]))
      expect(one).toMatchObject({ status: 'blocked', reason: `there is no ${who} on this host` });
  });

  it.each([
    ['file', { path: '/etc/motd/x', content: 'x' }],
    ['directory', { path: '/etc/motd/x' }],
  ])('a %s is to lie in what is a file: %j', async (type, params) => {
    await host.must('touch /etc/motd');
    for (const one of await applied([{ id: 'it', name: 'it', [type]: params }, other]))
      expect(one).toMatchObject({
        status: 'blocked',
        reason: '/etc/motd exists, but is not a directory; it was left alone',
      });
  });

  it('whom a command brings is waited for', async () => {
    const tasks = [
      { id: 'user', name: 'user', command: { run: 'useradd -r brought', creates: '/etc/brought-by-us' } },
      { id: 'it', name: 'it', directory: { path: '/srv/brought', owner: 'brought', group: 'brought' } },
    ];
    (tasks[0] as { command: { run: string } }).command.run += ' && touch /etc/brought-by-us';
    expect((await run('check', tasks)).tasks.it?.reason).toBe('unknown until user has been applied');
    await converge(tasks);
    expect(await host.must('stat -c %U:%G /srv/brought')).toBe('brought:brought');
  });

  it('a mask with no unit behind it stays', async () => {
    await host.must('ln -s /dev/null /etc/systemd/system/nothing.service; systemctl daemon-reload');
    for (const one of await applied([{ id: 'it', name: 'it', service: { name: 'nothing' } }, other]))
      expect(one).toMatchObject({
        status: 'blocked',
        reason: 'it is masked, and there is no unit nothing.service behind the mask on this host',
      });
    expect(await host.must('readlink /etc/systemd/system/nothing.service')).toBe('/dev/null');
    // one that has a unit
    const unit = '[Service]\\nExecStart=/bin/sleep inf\\n[Install]\\nWantedBy=multi-user.target\\n';
    await host.must(`printf '${unit}' >/lib/systemd/system/some.service; systemctl mask some`);
    await converge([{ id: 'it', name: 'it', service: { name: 'some' } }]);
  });

  it('a unit that ends when its work is done is none that could run', async () => {
    const folder = '/etc/systemd/system';
    const content = '[Service]\nType=oneshot\nExecStart=/bin/true\n';
    const it = { id: 'it', name: 'it', service: { name: 'ends' } };
    const unit = { id: 'unit', name: 'unit', file: { path: `${folder}/ends.service`, content } };
    expect((await run('check', [unit, it])).tasks.it?.reason).toBe('unknown until unit has been applied');
    expect((await run('apply', [unit, it])).tasks).toMatchObject({
      unit: { status: 'changed' },
      it: { status: 'blocked', reason: expect.stringMatching(/^ends\.service never counts as running/) },
    });
    const remains = { path: `${folder}/ends.service.d/x.conf`, content: '[Service]\nRemainAfterExit=yes\n' };
    await converge([
      { id: 'folder', name: 'folder', directory: { path: `${folder}/ends.service.d` } },
      { id: 'drop-in', name: 'drop-in', file: remains },
      it,
    ]);
  });

  it.each([
    ['that a mask hides', 'Type=oneshot', '', /never counts as running: set RemainAfterExit=yes/],
    ['whose condition is not met', '', 'ConditionPathExists=/nope', /while a condition of it is not met$/],
  ])('a unit %s says why it does not run', async (_, service, condition, why) => {
    await host.must(
      `printf '[Unit]\n${condition}\n[Service]\n${service}\nExecStart=/bin/true\n' >/lib/systemd/system/odd.service
       systemctl mask odd; systemctl daemon-reload`,
    );
    const result = await run('apply', [{ id: 'it', name: 'it', service: { name: 'odd' } }]);
    expect(result.exitCode, result.text).toBe(4);
    expect(result.tasks.it?.reason).toMatch(why);
  });

  it('a package that others would have to go for names them', async () => {
    await host.must(`mkdir -p /srv/repo && cd /srv/repo
      for name in stays comes; do
        mkdir -p $name/DEBIAN
        printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' $name >$name/DEBIAN/control
        [ $name = stays ] || echo 'Conflicts: stays' >>$name/DEBIAN/control
        dpkg-deb -b $name $name.deb >/dev/null
        { cat $name/DEBIAN/control; printf 'Filename: ./%s.deb\nSize: %s\nSHA256: %s\n\n' $name $(stat -c %s $name.deb) $(sha256sum $name.deb | cut -d' ' -f1); } >>Packages
      done
      chmod -R a+rX /srv/repo
      echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list.d/own.list
      apt-get -qq update && apt-get -qq install stays >/dev/null 2>&1`);
    const result = await run('apply', [{ id: 'it', name: 'it', package: { name: 'comes' } }]);
    expect(result.exitCode).toBe(3);
    expect(result.tasks.it?.reason).toMatch(
      /^install comes failed: it cannot stand beside these, which would have to be removed: stays\. harden removes nothing for it: .*run again$/,
    );
    expect(await host.must("dpkg-query -W -f '${Status}' stays")).toBe('install ok installed');
  });
});
