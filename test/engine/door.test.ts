import { describe, expect, it } from 'vitest';
import { cutsOff } from '../../src/engine/door.ts';
import type { Change, ControlUnit } from '../../src/tasks/change.ts';

const write = (path: string): Change => ({
  kind: 'write-file',
  path,
  before: { state: 'absent' },
  content: Buffer.from(''),
});
const control = (unit: string, action: ControlUnit['action'] = 'restart'): Change => ({
  kind: 'control-unit',
  unit,
  action,
});

describe('what could cut the operator off', () => {
  it.each([
    '/etc/ssh/sshd_config',
    '/etc/ssh/sshd_config.d/50-x.conf',
    '/etc/ssh',
    '/etc/fail2ban/jail.d/james.conf',
    '/etc/sudoers',
    '/etc/sudoers.d/admin',
    '/etc/pam.d/sshd',
    '/etc/security/access.conf',
    '/etc/shadow',
    '/etc/hosts.deny',
    '/etc/nftables.conf',
    '/etc/ufw/user.rules',
    '/etc/netplan/01.yaml',
    '/etc/systemd/network/10-eth.network',
    '/etc/sysctl.d/99-x.conf',
    '/root/.ssh/authorized_keys',
    '/home/ann/.ssh/authorized_keys',
    '/etc/systemd/system/ssh.service',
    '/etc/systemd/system/ssh.service.d/override.conf',
    '/etc/systemd/system/ssh.socket.d/listen.conf',
  ])('a file such as %s', (path) => expect(cutsOff(write(path))).toBe(true));

  it.each([
    '/etc/sshd-notes',
    '/etc/sudoers-of-old/x',
    '/etc/networks',
    '/opt/james/conf/log4j2.xml',
    '/etc/harden/limits.v4',
    '/etc/systemd/system/harden-limits.service',
    '/etc/systemd/system/james.service.d/ssh.conf',
    '/srv/etc/ssh/sshd_config',
    '/home/ann/.sshrc',
  ])('not a file such as %s', (path) => expect(cutsOff(write(path))).toBe(false));

  it.each([
    'ssh.service',
    'sshd.service',
    'ssh.socket',
    'fail2ban.service',
    'ufw.service',
    'systemd-networkd.service',
    'wg-quick@wg0.service',
  ])('the unit %s', (unit) => expect(cutsOff(control(unit))).toBe(true));

  it.each(['james.service', 'harden-limits.service', 'sshguardian.service', 'nftables-exporter.service'])(
    'not the unit %s',
    (unit) => expect(cutsOff(control(unit))).toBe(false),
  );

  it('a command only if its author says so', () => {
    expect(cutsOff({ kind: 'run-command', command: 'iptables -F' })).toBe(false);
    expect(cutsOff({ kind: 'run-command', command: 'true', guarded: true })).toBe(true);
  });

  it.each<Change>([
    { kind: 'set-attributes', path: '/etc/ssh/x', mode: '0600', summary: '' },
    { kind: 'remove-file', path: '/etc/ssh/x', sha256: '' },
    { kind: 'make-directory', path: '/etc/ssh/x' },
    { kind: 'remove-directory', path: '/etc/ssh/x' },
    { kind: 'restore-file', path: '/etc/ssh/x', before: { state: 'absent' }, copy: '/c' },
    { kind: 'sync-fail2ban', jails: [], filters: [], restart: [] },
  ])('whatever is done to it: $kind', (change) => expect(cutsOff(change)).toBe(true));
});
