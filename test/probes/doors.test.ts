import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Doors, doorsProbe } from '../../src/probes/doors.ts';
import type { Observed } from '../../src/probes/probe.ts';

const PASSWD = ['root:x:0:0:root:/root:/bin/sh', 'ann:x:1007:1007::/srv/ann:/opt/shell', ''].join('\\n');

/** The probe's real script, on a host whose /etc, /srv, /opt and /root hold what is prepared and nothing else. */
function look(prepare: string, user = 'ann'): Observed<Doors> | undefined {
  const host = `set -e
awk=$(readlink -f "$(command -v awk)")
for folder in /etc /srv /opt /root; do mount -t tmpfs none $folder; done
printf '${PASSWD}' > /etc/passwd
echo 'passwd: files' > /etc/nsswitch.conf
mkdir -p /etc/ssh /etc/sudoers.d /etc/alternatives /srv/ann /opt/d
ln -s "$awk" /etc/alternatives/awk
cd /opt
${prepare}
exec dash -s`;
  const output = execFileSync('unshare', ['-m', 'dash', '-c', host], {
    input: doorsProbe.script(['doors']).text,
    env: { ...process.env, HARDEN_USER: user, LC_ALL: 'C' },
  });
  return doorsProbe.parse(output, ['doors']).get('doors');
}

const able = () =>
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/etc']).status === 0 &&
  spawnSync('getent', ['passwd', 'root']).status === 0;

const seen = (prepare: string): Doors => {
  const found = look(prepare);
  if (found?.state !== 'present') throw new Error(JSON.stringify(found));
  return found.value;
};

describe.runIf(able())('what lets people in', () => {
  it('is home, shell and keys of the login user and root', () => {
    const { homes, parts } = seen(':');
    expect(homes).toEqual(['/root', '/srv/ann'].sort().reverse());
    expect(parts).toEqual(
      expect.arrayContaining([
        '/opt/shell',
        '/srv/ann/.ssh',
        '/srv/ann/.ssh/authorized_keys',
        '/root/.ssh/authorized_keys2',
      ]),
    );
  });

  it.each<[string, string, string[]]>([
    [
      'keys that are a link',
      'mkdir /srv/ann/.ssh; ln -s /opt/d/keys /srv/ann/.ssh/authorized_keys',
      ['/opt/d/keys'],
    ],
    [
      'every link on the way, and where it leads',
      'ln -s d /opt/e; ln -s /opt/e/x /opt/shell; ln -s y /opt/d/x',
      ['/opt/shell', '/opt/e', '/opt/d/x', '/opt/d/y'],
    ],
    ['what the shell reads first', 'ln -s /opt/d/rc /srv/ann/.bashrc; touch /opt/d/rc', ['/opt/d/rc']],
    [
      'the command that a key is bound to',
      `mkdir /srv/ann/.ssh; echo 'from="10.1.1.1",command="sh \\"/opt/it is\\" /opt/d" ssh-ed25519 AA' > /srv/ann/.ssh/authorized_keys`,
      ['/opt/it'],
    ],
  ])('is %s', (_, prepare, expected) => {
    expect(seen(prepare).parts).toEqual(expect.arrayContaining(expected));
    expect(seen(prepare).parts).not.toContain('/opt/d');
  });

  it('is told of very many keys in no time', { timeout: 10_000 }, () => {
    const keys = `mkdir /srv/ann/.ssh; seq 20000 | sed 's|.*|command="/opt/& x /opt/all" ssh-ed25519 AA|' > /srv/ann/.ssh/authorized_keys`;
    const { parts } = seen(keys);
    expect(parts.filter((path) => /^\/opt\/\d+$/.test(path))).toHaveLength(20_000);
    expect(parts.filter((path) => path === '/opt/all')).toHaveLength(1);
  });

  it.each<[string, string, string[]]>([
    ['elsewhere, for each account', 'AuthorizedKeysFile /opt/keys/%u', ['/opt/keys/ann', '/opt/keys/root']],
    ['by its tokens', 'AuthorizedKeysFile /opt/%U/100%%/%h/k', ['/opt/1007/100%/srv/ann/k']],
    ['in each home', 'AuthorizedKeysFile .ssh/a .b', ['/srv/ann/.ssh/a', '/srv/ann/.b', '/root/.b']],
    ['in whatever letters', ' authorizedKEYSfile\t=\t"/opt/my keys" /opt/b', ['/opt/my keys', '/opt/b']],
    ['for some only', 'Match User x\n  TrustedUserCAKeys /opt/ca', ['/opt/ca']],
    ['with a command', 'AuthorizedKeysCommand /opt/find %u /opt/data/%u', ['/opt/find', '/opt/data/ann']],
    ['with a forced one', `ForceCommand sh -c "/opt/menu; exit"`, ['/opt/menu;']],
    ['by principals', 'AuthorizedPrincipalsFile %h/principals', ['/srv/ann/principals']],
    ['by revocation', 'RevokedKeys /opt/krl', ['/opt/krl']],
    ['by who the host is', 'HostKey /opt/key\nHostCertificate /opt/cert', ['/opt/key', '/opt/cert']],
    ['in a root of its own', 'ChrootDirectory /opt/root/%u', ['/opt/root/ann']],
  ])('is what sshd reads %s', (_, text, expected) => {
    const { parts } = seen(`cat > /etc/ssh/sshd_config <<'END'\n${text}\nEND`);
    expect(parts).toEqual(expect.arrayContaining(expected));
  });

  it.each([
    '# AuthorizedKeysFile /opt/no',
    'AuthorizedKeysFile /opt/yes # /opt/no',
    'Subsystem sftp /opt/no',
    'AuthorizedKeysCommand /opt/yes /opt/d',
  ])('but nothing else: %s', (text) => {
    const { parts } = seen(`cat > /etc/ssh/sshd_config <<'END'\n${text}\nEND`);
    expect(parts.filter((path) => /^\/opt\/(no|d)$|^\/$|#/.test(path))).toEqual([]);
  });

  it('is what sshd_config includes: files that are there, and folders for those that may come', () => {
    const { configs, parts } = seen(`
mkdir /opt/ssh /etc/ssh/sshd_config.d
echo 'Include /etc/ssh/sshd_config.d/*.conf rel.conf "/opt/none here"' > /etc/ssh/sshd_config
ln -s /opt/ssh/a /etc/ssh/sshd_config.d/a.conf
echo 'include /opt/ssh/*/?.conf /etc/ssh/sshd_config' > /opt/ssh/a
echo 'HostKey /opt/key' > /etc/ssh/rel.conf`);
    expect(configs.toSorted()).toEqual([
      '/etc/ssh/rel.conf',
      '/etc/ssh/sshd_config',
      '/etc/ssh/sshd_config.d',
      '/etc/ssh/sshd_config.d/a.conf',
      '/opt/none here',
      '/opt/ssh',
      '/opt/ssh/*/?.conf',
      '/opt/ssh/a',
    ]);
    expect(parts).toContain('/opt/key');
  });

  it('is what sudoers includes, by both of its signs, relative to whoever includes it', () => {
    const { parts } = seen(`
printf '#includedir /opt/rules\\n@include /opt/odd\\\\ name\\n#include "/opt/of-%%h"\\n#included /opt/no\\n' > /etc/sudoers
mkdir /opt/rules
echo '@include other' > /opt/rules/zz
ln -s /opt/d/linked /opt/rules/link`);
    const [host = ''] = execFileSync('hostname').toString().trim().split('.');
    expect(parts).toEqual(
      expect.arrayContaining([
        '/opt/rules',
        '/opt/rules/zz',
        '/opt/rules/other',
        '/opt/d/linked',
        '/opt/odd name',
        `/opt/of-${host}`,
      ]),
    );
    expect(parts).not.toContain('/opt/no');
  });

  it('is what PAM and the unit of sshd name, but for what only greets', () => {
    const { parts } = seen(`
mkdir -p /etc/pam.d /etc/default /etc/systemd/system/ssh.service.d
cat > /etc/pam.d/sshd <<'END'
# auth required pam_exec.so /opt/no
auth required pam_exec.so quiet /opt/check
auth required pam_listfile.so item=user file=/opt/allowed onerr=fail
auth required pam_totp.so secret=/opt/secrets/\${USER}/totp
session optional pam_motd.so motd=/opt/no
session required pam_env.so envfile=/opt/variables
END
echo 'SSHD_OPTS="-f /opt/config"' > /etc/default/ssh
printf '[Service]\nEnvironmentFile=-/opt/env\nExecStartPre=-/opt/before /opt/d\n' > /etc/systemd/system/ssh.service.d/x.conf`);
    expect(parts).toEqual(
      expect.arrayContaining([
        '/opt/check',
        '/opt/variables',
        '/opt/allowed',
        '/opt/secrets',
        '/opt/config',
        '/opt/env',
        '/opt/before',
      ]),
    );
    expect(parts.filter((path) => ['/opt/no', '/opt/d', '/opt'].includes(path))).toEqual([]);
  });

  it('is what the scripts name that every login runs', () => {
    const { parts } = seen(`
mkdir -p /etc/update-motd.d /srv/ann/.ssh
printf '#!/bin/sh\n# /opt/no\n[ ! -r /opt/said ] || . "/opt/said"\n' > /etc/update-motd.d/10-x
printf 'sh /opt/everybody\n' > /etc/ssh/sshrc
printf 'sh /opt/mine\n' > /srv/ann/.ssh/rc`);
    expect(parts).toEqual(expect.arrayContaining(['/opt/said', '/opt/everybody', '/opt/mine']));
    expect(parts).not.toContain('/opt/no');
  });

  it('may be reached by a link in /etc', () => {
    const { links } = seen('ln -s /opt/d /etc/pam.d; ln -s nowhere /etc/ssh/x');
    expect(Object.fromEntries(links)).toEqual({ '/etc/pam.d': '/opt/d', '/etc/ssh/x': '/etc/ssh/nowhere' });
  });

  it.each([
    ['passwd does not tell of stranger', ':', 'stranger'],
    ['a path has a line break', 'ln -s "a\nb" /opt/shell', 'ann'],
  ])('is not known where %s', (why, prepare, user) => {
    expect(() => look(prepare, user)).toThrow(why);
  });
});

it('is told by kind, each once, and of the root nothing', () => {
  const text = 'home /srv/a b\nhome \npart /x\npart /x\nconfig /c\n\n/etc/a b\n/etc/c\n/to\n/dev/null\n';
  expect(doorsProbe.parse(Buffer.from(text), ['doors']).get('doors')).toEqual({
    state: 'present',
    value: {
      homes: ['/srv/a b'],
      parts: ['/x'],
      configs: ['/c'],
      links: new Map([
        ['/etc/a b', '/to'],
        ['/etc/c', '/dev/null'],
      ]),
    },
  });
});

it('is not guessed where a link leads to more than one line', () =>
  expect(() => doorsProbe.parse(Buffer.from('\n\n/etc/a\n/b\n/c\n'), ['doors'])).toThrow('line break'));
