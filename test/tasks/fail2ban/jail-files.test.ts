import { describe, expect, it } from 'vitest';
import { effective, OVERRIDE_FILE, readBefore } from '../../../src/tasks/fail2ban/jail-files.ts';

const at = (path: string, text = '') => ({ path: `/etc/fail2ban/${path}`, text });

describe('readBefore', () => {
  // jail.conf(5)
  const ORDER = [
    'jail.conf',
    'jail.d/a.conf',
    'jail.d/z.conf',
    'jail.local',
    'jail.d/a.local',
    'jail.d/zz-harden.local',
    'jail.d/zzz.local',
  ];

  it('puts files into the order in which fail2ban reads them', () => {
    const shuffled = [6, 2, 4, 0, 3, 5, 1].map((index) => ORDER[index]!);
    expect(
      shuffled.sort((a, b) =>
        readBefore(at(a).path, at(b).path) ? -1 : Number(readBefore(at(b).path, at(a).path)),
      ),
    ).toEqual(ORDER);
  });

  it('puts no file before itself', () => {
    for (const path of ORDER) expect(readBefore(at(path).path, at(path).path)).toBe(false);
  });

  it('has our own overrides behind those of everybody with a usual name', () => {
    for (const path of ORDER.slice(0, 5)) expect(readBefore(at(path).path, OVERRIDE_FILE)).toBe(true);
  });
});

describe('effective', () => {
  const FILES = [
    at('jail.conf', '[DEFAULT]\nbantime = 10m\nignoreip = ::1'),
    at('jail.d/a.conf', '[sshd]\nbantime = 1h\nport = ssh'),
    at('jail.local', '# c\n\n[sshd]\nBantime: 2h ; longer'),
    at('jail.d/z.local', '[james]\nbantime = 3h'),
  ];

  it.each([
    ['sshd', 'bantime', { path: '/etc/fail2ban/jail.local', line: 4, value: '2h' }],
    ['sshd', 'port', { path: '/etc/fail2ban/jail.d/a.conf', line: 3, value: 'ssh' }],
    ['james', 'bantime', { path: '/etc/fail2ban/jail.d/z.local', line: 2, value: '3h' }],
    // a value of [DEFAULT] never wins over a jail's own
    ['sshd', 'ignoreip', undefined],
    ['DEFAULT', 'bantime', { path: '/etc/fail2ban/jail.conf', line: 2, value: '10m' }],
  ])('of [%s] %s', (section, key, expected) => expect(effective(FILES, section, key)).toEqual(expected));
});
