import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { checkJail, jailSchema } from '../../../src/tasks/fail2ban/schema.ts';
import { jailParams, type Over } from './fixtures/jail.ts';

const valid = new Ajv.default({ strict: false }).compile(jailSchema);
const jail = (over: object) => jailParams(over as Over);

describe('schema', () => {
  it.each([
    [{}],
    [{ name: 'a'.repeat(24), enabled: false }],
    [{ file: '/etc/fail2ban/jail.local' }],
    [{ file: '/etc/fail2ban/jail.d/defaults-debian.conf', override: true }],
    [{ filter: 'sshd[mode=aggressive]' }],
    [{ filter: 'sshd[mode="aggressive", logtype=short]' }],
    [{ port: 'smtp, 465 ,1000:2000' }],
    [{ bantime: 7200, findtime: '1h' }],
    [{ journalmatch: '_SYSTEMD_UNIT=ssh.service + _COMM=sshd' }],
  ])('takes %j', (over) => expect(valid(jail(over))).toBe(true));

  it.each([
    // iptables would cut the name of its chain
    [{ name: 'a'.repeat(25) }],
    [{ name: '' }],
    [{ name: '-x' }],
    [{ name: 'a b' }],
    [{ name: 'a]\n[b' }],
    [{ file: '/etc/fail2ban/jail.conf' }],
    [{ file: '/etc/fail2ban/jail.d/../jail.local' }],
    [{ file: '/etc/fail2ban/jail.d/.hidden.conf' }],
    [{ file: '/etc/passwd' }],
    [{ filter: '../x' }],
    [{ filter: 'sshd[mode=%(x)s]' }],
    [{ filter: 'sshd\n[x]' }],
    [{ logpath: 'james.log' }],
    [{ logpath: '/a b' }],
    [{ logpath: '/a\nb' }],
    [{ port: 'smtp;25' }],
    [{ port: 'smtp,' }],
    [{ port: '' }],
    [{ backend: 'magic' }],
    [{ journalmatch: '_COMM=%(x)s' }],
    [{ journalmatch: '_COMM=x\n[y]' }],
    [{ bantime: 0 }],
    [{ bantime: -1 }],
    [{ bantime: 1.5 }],
    [{ maxretry: 0 }],
    [{ maxretry: '2' }],
    [{ trusted: ['192.0.2.7', '192.0.2.7'] }],
    [{ maxRetry: 3 }],
  ])('refuses %j', (over) => expect(valid(jail(over))).toBe(false));

  it.each(['name', 'bantime', 'findtime', 'maxretry'])('needs %s', (key) =>
    expect(valid(jail({ [key]: undefined }))).toBe(false),
  );
});

describe('checkJail', () => {
  it('has nothing against a good one', () => expect(checkJail(jailParams())).toEqual([]));

  it.each<[Over, (string | number)[], string]>([
    [{ name: 'DEFAULT' }, ['name'], 'DEFAULT is not a jail'],
    [{ name: 'includes' }, ['name'], 'includes is not a jail'],
    [{ bantime: '120x' }, ['bantime'], '120x is not a duration'],
    [{ bantime: '-1' }, ['bantime'], '-1 is not a duration'],
    [{ findtime: '0' }, ['findtime'], '0 is not a duration'],
    [{ findtime: '1h ; x' }, ['findtime'], 'is not a duration'],
    [{ logpath: '/var/log/*.log' }, ['logpath'], 'name one file'],
    [{ logpath: '/var/log/a;b' }, ['logpath'], 'name one file'],
    [{ logpath: '/var/log/<x>' }, ['logpath'], 'name one file'],
    [{ backend: 'systemd' }, ['backend'], 'fail2ban ignores logpath'],
    [
      { trusted: ['192.0.2.7', 'mail.example'] },
      ['trusted', 1],
      'mail.example is not an IPv4 or IPv6 address',
    ],
    [{ trusted: ['%(x)s'] }, ['trusted', 0], 'is not an IPv4 or IPv6 address'],
    [{ trusted: ['0.0.0.0/0'] }, ['trusted', 0], 'nobody would be banned'],
    [{ trusted: ['::/0'] }, ['trusted', 0], 'nobody would be banned'],
  ])('%j', (over, path, problem) =>
    expect(checkJail(jailParams(over))).toEqual([[path, expect.stringContaining(problem)]]),
  );

  it('lets systemd read the journal', () =>
    expect(checkJail(jailParams({ logpath: undefined, backend: 'systemd' }))).toEqual([]));
});
