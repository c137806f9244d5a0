import { describe, expect, it } from 'vitest';
import {
  breaksUndoing,
  cutsOff,
  cutsOffAmong,
  isDoorPackage,
  leftUnread,
  takesUp,
} from '../../src/engine/door.ts';
import type { Doors } from '../../src/probes/doors.ts';
import { unreadable } from '../../src/probes/probe.ts';
import type { Change } from '../../src/tasks/change.ts';
import { doors } from './doors.ts';

const write = (path: string): Change => ({
  kind: 'write-file',
  path,
  before: { state: 'absent' },
  content: Buffer.from('x'),
});
const attributes = (path: string): Change => ({ kind: 'set-attributes', path, mode: '0777', summary: '' });
const unit = (name: string, ...reads: string[]): Change => ({
  kind: 'control-unit',
  unit: name,
  action: 'restart',
  reads,
});

describe('what could cut the operator off', () => {
  it.each([
    '/etc/ssh/sshd_config',
    '/etc/ssh/sshd_config.d/x.conf',
    '/etc/sudoers',
    '/etc/sudoers.d/x',
    '/etc/sudo.conf',
    '/etc/sudo_logsrvd.conf',
    '/etc/security/access.conf',
    '/etc/hosts.deny',
    '/etc/nftables.conf',
    '/etc/ufw/user.rules',
    '/etc/netplan/01.yaml',
    '/etc/sysctl.d/99-x.conf',
    '/root/.ssh/authorized_keys',
    '/etc/pam.d/sshd',
    '/etc/passwd',
    '/etc/fail2ban/jail.d/x.conf',
    '/etc/network/interfaces.d/eth0',
    '/etc/systemd/network/x.network',
    '/etc/systemd/system/ssh.service',
    '/etc/systemd/system/ssh.service.d/x.conf',
    '/etc/systemd/system/ssh.socket.d/x.conf',
    '/etc/systemd/system/service.d/x.conf',
    '/run/systemd/system/socket.d/x.conf',
    '/etc/systemd/system/systemd-.service.d/x.conf',
    '/etc/sudo-ldap.conf',
    '/etc/pam_ldap.conf',
    '/etc/pam_radius_auth.conf',
    '/etc/default/ssh',
    '/etc/profile.d/x.sh',
    '/home/ann/.ssh/authorized_keys',
    '/srv/home/ann/.ssh/authorized_keys',
    '/home/ann/.bashrc',
    '/root/.profile',
    '/usr/sbin/sshd',
    '/usr/bin/sudo',
    '/bin/sh',
    '/usr/local/bin/sudo',
    '/usr/local/bin/sh',
    '/usr/local/sbin/sshd',
    '/usr/local/sbin/iptables',
    '/run/nologin',
    '/etc/ssl/openssl.cnf',
    '/etc/krb5.conf',
    '/home/ann/.zprofile',
    '/home/ann/.config/fish/config.fish',
    '/usr/lib/openssh/sshd-session',
    '/etc/update-motd.d/99-x',
    '/etc/default/motd-news',
    '/etc/default/locale',
    '/etc/lsb-release',
    '/etc/hosts',
    '/etc/dbus-1/system.d/x.conf',
    '/etc/fish/config.fish',
    '/etc/systemd/logind.conf.d/x.conf',
    '/etc/systemd/system.conf',
    '/etc/systemd/system/user.slice.d/x.conf',
    '/etc/systemd/system/user@.service.d/x.conf',
    '/etc/systemd/system/user-runtime-dir@1000.service',
    '/home/ann/.google_authenticator',
  ])('the file %s', (path) => {
    expect(cutsOff(write(path))).toBe(true);
    expect(cutsOff(attributes(path))).toBe(true);
  });

  it.each([
    '/',
    '/etc',
    '/home',
    '/home/ann',
    '/run/sshd',
    '/usr/bin',
    '/usr/lib',
    '/lib/x86_64-linux-gnu/security',
    '/usr/libexec/sudo',
  ])('the attributes of %s', (path) => {
    expect(cutsOff(attributes(path))).toBe(true);
  });

  it.each([
    '/etc/motd',
    '/etc/motd.d/x',
    '/etc/update-motd.d.old/x',
    '/etc/systemd/journald.conf',
    '/etc/sshx',
    '/etc/sudoers-of-old/x',
    '/etc/networks',
    '/etc/systemd/system/james.service.d/ssh.conf',
    '/etc/systemd/system/james-mail.service.d/x.conf',
    '/etc/systemd/system/james-.service',
    '/srv/etc/ssh/sshd_config',
    '/home/ann/.sshrc',
    '/etc/default/james',
    '/etc/systemd/system/james.service',
    '/opt/james/conf/log4j2.xml',
    '/usr/local/bin/report',
    '/usr/local/bin/sudoku',
    '/usr/local/share/bin/sudo',
    '/home/ann/notes',
    '/etc/harden/limits.ipv4',
    '/etc/ssl/certs/x.pem',
    '/home/ann/.config/fishing',
    '/usr/share/x',
  ])('but not the file %s', (path) => {
    expect(cutsOff(write(path))).toBe(false);
    expect(cutsOff(attributes(path))).toBe(false);
  });

  it.each([
    ['ssh.service', true],
    ['sshd@1.service', true],
    ['ssh.socket', true],
    ['fail2ban.service', true],
    ['wg-quick@wg0.service', true],
    ['james.service', false],
    ['my-firewall.service', true],
    ['home.mount', true],
    ['ssh-agent.service', true],
    ['harden-limits.service', false],
    ['nginx.service', false],
  ] as const)('the unit %s: %s', (name, expected) => {
    expect(cutsOff(unit(name))).toBe(expected);
  });

  it.each([
    ['start', true],
    ['stop', true],
    ['reload-or-restart', true],
    ['enable', false],
    ['disable', false],
    ['mask', false],
    ['unmask', false],
  ] as const)('a unit that nobody knows, by what runs it or ends it now (%s: %s)', (action, expected) => {
    expect(cutsOff({ kind: 'control-unit', unit: 'my-firewall.service', action })).toBe(expected);
    expect(cutsOff({ kind: 'control-unit', unit: 'ssh.service', action })).toBe(true);
  });

  it('a command only if its author says so', () => {
    expect(cutsOff({ kind: 'run-command', command: 'iptables -F' })).toBe(false);
    expect(cutsOff({ kind: 'run-command', command: 'true', guarded: true })).toBe(true);
  });

  it.each<Change>([
    { kind: 'remove-file', path: '/etc/ssh/x', sha256: '' },
    { kind: 'make-directory', path: '/etc/ssh/x' },
    { kind: 'remove-directory', path: '/etc/ssh/x' },
    { kind: 'restore-file', path: '/etc/ssh/x', before: { state: 'absent' }, copy: '/c' },
    { kind: 'sync-fail2ban', jails: [], filters: [], restart: [] },
  ])('whatever is done to it: $kind', (change) => expect(cutsOff(change)).toBe(true));

  it('the file of such a unit and what it reads, wherever they lie, and nothing of another one', () => {
    const files = ['/etc/systemd/system/x.service', '/etc/systemd/system/x.service.d/y.conf', '/srv/door'];
    const others = ['/etc/systemd/system/james.service', '/srv/mail'];
    const all = [...files, ...others].map(write);
    const among = cutsOffAmong(
      [...all, unit('x.service', '/srv/door'), unit('james.service', '/srv/mail')],
      doors(),
    );
    expect(all.map(among)).toEqual([true, true, true, false, false]);
    expect(all.map(cutsOffAmong(all, doors()))).toEqual(all.map(() => false));
  });
});

it('a harmless unit that reads a guarded file comes after it, under the same guard', () => {
  const [file, nginx] = [write('/etc/ssl/openssl.cnf'), unit('nginx.service', '/etc/ssl/openssl.cnf')];
  expect([file, nginx].map(cutsOffAmong([file, nginx], doors()))).toEqual([true, true]);
  expect(cutsOffAmong([nginx], doors())(nginx)).toBe(false);
});

describe('the files of a unit', () => {
  const reads = (name: string) => {
    const among = cutsOffAmong([unit(name)], doors());
    return (path: string) => among(write(`/etc/systemd/system/${path}`));
  };
  it.each<[string, string[], string[]]>([
    [
      'fw@eth0.service',
      ['fw@.service', 'fw@.service.d/x.conf', 'fw@eth0.service', 'fw@eth0.service.d/x.conf'],
      ['fw.service', 'fw@eth1.service', 'fw@eth1.service.d/x.conf', 'fw@.socket', 'f@.service'],
    ],
    [
      'my-own@a-b.service',
      ['my-own@.service', 'my-own@.service.d/x.conf', 'my-@a-b.service.d/x.conf'],
      ['my-own@a-.service.d/x.conf', 'my-@a-b.service', 'my@.service'],
    ],
    ['fw.service', ['fw.service', 'fw.service.d/x.conf'], ['fw@.service', 'fw@.service.d/x.conf']],
  ])('%s', (name, own, others) => {
    expect(own.filter((path) => !reads(name)(path))).toEqual([]);
    expect(others.filter(reads(name))).toEqual([]);
  });

  it.each([
    ['fw@.service', true],
    ['fw@eth0.service.d/x.conf', true],
    ['service.d/x.conf', true],
    ['fw-.service.d/x.conf', false],
    ['socket.d/x.conf', false],
    ['fw.service.d/x.conf', false],
  ])('fw@eth0.service takes up %s: %s', (path, expected) =>
    expect(takesUp(unit('fw@eth0.service'), `/etc/systemd/system/${path}`, doors())).toBe(expected),
  );
  // as `systemctl show -p DropInPaths` of Debian 12 has it
  it.each<[string, string[], string[]]>([
    ['a-b-c.service', ['a-b-c', 'a-b-', 'a-'], ['a-b', 'b-', 'a', 'a-b-@']],
    [
      'my-own@a-b.service',
      ['my-own@a-b', 'my-own@', 'my-@a-b', 'my-@', 'my-'],
      ['my-own@a-', 'my-own', 'my-@a-'],
    ],
  ])('%s takes up what is added to it, and to all whose names begin so', (name, own, others) => {
    const takes = (one: string) =>
      takesUp(unit(name), `/etc/systemd/system/${one}.service.d/x.conf`, doors());
    expect(own.filter((one) => !takes(one))).toEqual([]);
    expect(others.filter(takes)).toEqual([]);
    expect(takesUp(unit(name), '/etc/systemd/system/a-.service', doors())).toBe(false);
  });
});

describe('a door that the host names', () => {
  const HOST: Partial<Doors> = {
    homes: ['/srv/users/bob', '/root'],
    parts: ['/opt/keys/admin', '/opt/sudo', '/usr/local/bin/keys'],
    configs: ['/opt/ssh'],
    links: new Map([
      ['/etc/ssh/sshd_config.d/x.conf', '/data/sshd/x.conf'],
      ['/etc/pam.d', '/data/pam'],
      ['/etc/localtime', '/usr/share/zoneinfo/UTC'],
    ]),
  };
  const among = (change: Change) => cutsOffAmong([change], doors(HOST))(change);

  it.each([
    '/opt/keys/admin',
    '/opt/sudo/zz',
    '/opt/ssh/new.conf',
    '/usr/local/bin/keys',
    '/srv/users/bob/.bashrc',
    '/srv/users/bob',
    '/data/sshd/x.conf',
    '/data/pam/sshd',
  ])('the file %s', (path) => {
    expect(among(write(path))).toBe(true);
    expect(among(attributes(path))).toBe(true);
    expect(among({ kind: 'remove-file', path, sha256: '' })).toBe(true);
    expect(cutsOffAmong([write(path)], doors())(write(path))).toBe(false);
  });

  it.each([
    '/opt/keys',
    '/opt/sudo',
    '/usr/local/bin',
    '/usr/local',
    '/srv/users',
    '/data/sshd',
    '/data/pam',
  ])('the attributes of %s, through which the way leads', (path) => {
    expect(among(attributes(path))).toBe(true);
    expect(cutsOff(attributes(path))).toBe(false);
  });

  it.each([
    '/opt/keys/other',
    '/opt/sudoers',
    '/opt/ssh.conf',
    '/usr/local/bin/report',
    '/srv/users/bob/notes',
    '/srv/users/bobby/.bashrc',
    '/usr/share/zoneinfo/UTC',
    '/data/x',
  ])('but not %s', (path) => {
    expect(among(write(path))).toBe(false);
    expect(among(attributes(path))).toBe(false);
  });

  it('any file may be one where they could not be read', () => {
    const unseen = cutsOffAmong([], unreadable('it hung'));
    const others: Change[] = [
      { kind: 'install-packages', names: ['mc'] },
      { kind: 'run-command', command: ':' },
    ];
    expect([write('/opt/x'), attributes('/opt'), ...others].map(unseen)).toEqual([true, true, false, false]);
  });
});

describe('what no host could undo by itself', () => {
  it.each([
    '/bin/sh',
    '/usr/bin/dash',
    '/usr/lib/x86_64-linux-gnu/libc.so.6',
    '/etc/ld.so.preload',
    '/usr/sbin/iptables-save',
    '/usr/local/sbin/iptables-save',
    '/usr/local/bin/mv',
  ])('%s', (path) => expect(breaksUndoing(write(path))).toBe(path));

  it.each([
    '/usr/bin/report',
    '/usr/bin/sudo',
    '/usr/local/bin/sudo',
    '/usr/local/bin/mvn',
    '/usr/lib/systemd/system/x.service',
    '/etc/ssh/sshd_config',
    '/opt/x.so',
  ])('but %s', (path) => expect(breaksUndoing(write(path))).toBeUndefined());
});

it.each([
  ['fail2ban', true],
  ['firewalld', true],
  ['netfilter-persistent', true],
  ['python3-systemd', false],
  ['fail2ban-doc', false],
])('the server of the package %s may cut somebody off: %s', (name, door) =>
  expect(isDoorPackage(name)).toBe(door),
);

describe('configuration of sshd that nobody makes it read', () => {
  const FILE = '/etc/ssh/sshd_config.d/x.conf';
  it.each<[string, Change[], string[]]>([
    ['a file alone', [write(FILE)], [FILE]],
    ['the file itself', [write('/etc/ssh/sshd_config')], ['/etc/ssh/sshd_config']],
    ['sshd is told of it', [write(FILE), unit('ssh.service', FILE)], []],
    ['sshd starts anew', [write(FILE), unit('sshd.service')], []],
    ['sshd starts at boot', [write(FILE), { ...unit('ssh.service'), action: 'enable' } as Change], [FILE]],
    ['a unit that is no door', [write(FILE), unit('james.service', FILE)], [FILE]],
    ['its mode', [attributes(FILE)], []],
    ['what sshd reads at each login', [write('/root/.ssh/authorized_keys')], []],
    ['a file that is not included', [write('/opt/ssh/a.conf')], []],
  ])('%s', (_, changes, expected) => expect(leftUnread(changes, doors())).toEqual(expected));

  it.each<[string, Partial<Doors>]>([
    ['includes', { configs: ['/opt/ssh'] }],
    ['reaches through a link', { links: new Map([[FILE, '/opt/ssh/a.conf']]) }],
  ])('that it %s from elsewhere', (_, host) => {
    const file = write('/opt/ssh/a.conf');
    const left = (...changes: Change[]) => leftUnread(changes, doors(host));
    expect(left(file, write('/opt/sshd.conf'))).toEqual(['/opt/ssh/a.conf']);
    expect(left(file, unit('ssh.service'))).toEqual([]);
  });
});
