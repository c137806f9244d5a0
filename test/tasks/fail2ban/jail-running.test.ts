import { describe, expect, it } from 'vitest';
import type { Jail } from '../../../src/probes/fail2ban.ts';
import { runningDrift } from '../../../src/tasks/fail2ban/jail-running.ts';
import type { Surroundings } from '../../../src/tasks/fail2ban/jail-settings.ts';
import { jailParams, type Over, runningJail } from './fixtures/jail.ts';

const HOST: Surroundings = {
  defaultIgnoreip: undefined,

  ignoreip: '127.0.0.1/8 ::1 192.0.2.7',
};

const drift = (jail: Partial<Jail>, params: Over = {}, host: Partial<Surroundings> = {}) =>
  runningDrift(jailParams(params), runningJail(jail), { ...HOST, ...host });

describe('a running jail', () => {
  it('is as wanted', () => expect(drift({})).toEqual({ reasons: [], restart: false }));

  it.each<[string, Partial<Jail>, Over]>([
    ['spells a duration in another way', {}, { bantime: '2h', findtime: 1200 }],
    ['watches other logs, too', { logpath: ['/var/log/other', '/opt/james/log/james.log'] }, {}],
    ['prints a network in its own way', { ignoreip: ['10.0.0.0/8'] }, { trusted: ['10.1.2.3/8'] }],
    [
      'prints an IPv6 address in its own way',
      { ignoreip: ['2001:db8::7'] },
      { trusted: ['2001:DB8:0:0:0:0:0:7'] },
    ],
    [
      'lists ports with blanks',
      { actions: [{ name: 'x', port: 'smtp, 465 ,imap' }] },
      { port: 'smtp,465,imap' },
    ],
    ['has an action without ports', { actions: [{ name: 'iptables-allports', port: undefined }] }, {}],
    [
      'sends mail beside',
      {
        actions: [
          { name: 'sendmail-whois', port: undefined },
          { name: 'nftables-multiport', port: 'smtp,imap' },
        ],
      },
      {},
    ],
    ['has ports nobody asked for', { actions: [{ name: 'x', port: '0:65535' }] }, { port: undefined }],
    ['says nothing of a value', { bantime: undefined, findtime: undefined, maxretry: undefined }, {}],
    ['says nothing of its threads', { started: undefined }, {}],
    [
      'reads the journal in another order',
      { logpath: [], journalmatch: ['_COMM=sshd _UID=0', '_SYSTEMD_UNIT=ssh.service'] },
      { logpath: undefined, journalmatch: '_SYSTEMD_UNIT=ssh.service + _UID=0 _COMM=sshd' },
    ],
    [
      'reads a journal nobody asked about',
      { logpath: [], journalmatch: ['_COMM=sshd'] },
      { logpath: undefined },
    ],
    ['bans addresses that are in the kernel', { banned: ['198.51.100.9'] }, {}],
  ])('is all right if it %s', (_, jail, params) =>
    expect(drift(jail, params)).toEqual({ reasons: [], restart: false }),
  );

  it.each<[Partial<Jail>, string, Over?]>([
    [{ bantime: 600 }, 'the running server has bantime 600, wanted 120m'],
    [{ findtime: 600 }, 'the running server has findtime 600, wanted 20m'],
    [{ maxretry: 5 }, 'the running server has maxretry 5, wanted 2'],
    [{ maxretry: 0 }, 'the running server has maxretry 0, wanted 2'],
    // bans for ever
    [{ bantime: -1 }, 'the running server has bantime -1, wanted 120m'],
    [{ logpath: [] }, 'the running jail does not watch /opt/james/log/james.log'],
    [{ logpath: ['/opt/james/log/james.log.1'] }, 'the running jail does not watch /opt/james/log/james.log'],
    // the trap of a host whose default is systemd
    [{ logpath: [], journalmatch: ['_COMM=x'] }, 'the running jail does not watch /opt/james/log/james.log'],
    [{ logpath: [] }, 'the running jail watches nothing', { logpath: undefined }],
    [
      { logpath: [], journalmatch: ['_COMM=sshd'] },
      'the running jail reads _COMM=sshd, wanted _COMM=ssh',
      { logpath: undefined, journalmatch: '_COMM=ssh' },
    ],
    [
      {},
      'the running jail reads no journal, wanted _COMM=ssh',
      { logpath: undefined, journalmatch: '_COMM=ssh' },
    ],
    [{ ignoreip: ['127.0.0.0/8'] }, 'the running jail would ban 192.0.2.7'],
    [
      { ignoreip: ['127.0.0.0/8'] },
      'the running jail would ban 192.0.2.7, ::2',
      { trusted: ['192.0.2.7', '::2'] },
    ],
  ])('with %j: %s', (jail, reason, params) =>
    expect(drift(jail, params)).toEqual({ reasons: [reason], restart: false }),
  );

  it('has to be restarted for other ports: a reload leaves the rule of the kernel', () => {
    expect(
      drift({
        actions: [
          { name: 'mail', port: undefined },
          { name: 'nftables', port: 'smtp' },
        ],
      }),
    ).toEqual({ reasons: ['the running jail closes the ports smtp, wanted smtp,imap'], restart: true });
  });

  it.each<[string, string[], string, string[]]>([
    ['says nothing of them', ['198.51.100.9'], '127.0.0.1/8', ['198.51.100.9']],
    ['says so', ['198.51.100.9'], '198.51.100.9', []],
    ['spells it in another way', ['2001:db8::7', '10.0.0.0/8'], '2001:DB8:0::7, 10.9.9.9/8', []],
    ['names the host itself, or nobody', ['127.0.0.0/8', '::1'], '', []],
    ['has a name, whose addresses nobody knows here', ['198.51.100.9'], 'mail.example.org', []],
    ['has a reference', ['198.51.100.9'], '%(known/ignoreip)s', []],
  ])('spares addresses where the file %s', (_, extra, ignoreip, told) => {
    const { reasons } = drift({ ignoreip: ['192.0.2.7', ...extra] }, {}, { ignoreip });
    expect(reasons).toEqual(
      told.length === 0 ? [] : [`the running jail spares ${told.join(', ')}, as no file says`],
    );
  });

  it.each<[string[], string]>([
    [[], 'it has no action'],
    [['dummy'], 'its action is dummy'],
    [['sendmail-whois-lines', 'abuseipdb'], 'its action is sendmail-whois-lines, abuseipdb'],
  ])('bans nobody with %j', (names, reason) => {
    const actions = names.map((name) => ({ name, port: undefined }));
    expect(drift({ actions })).toEqual({
      reasons: [`the running jail bans nobody: ${reason}`],
      restart: true,
    });
  });

  it('that asks a program whom to ban is not ours; a section somebody else began may', () => {
    const jail = { ignorecommand: '/usr/local/bin/spare <ip>' };
    expect(drift(jail)).toEqual({
      reasons: ['the running jail lets /usr/local/bin/spare <ip> decide whom it bans'],
      restart: true,
    });
    expect(drift(jail, { file: '/etc/fail2ban/jail.d/defaults-debian.conf' }).reasons).toEqual([]);
  });

  describe('of sshd', () => {
    const SSHD: Over = { name: 'sshd', filter: undefined, logpath: undefined, port: undefined };
    const ssh = (jail: Partial<Jail>, sshPorts: number[] = [22]) =>
      drift({ logpath: ['/var/log/auth.log'], actions: [{ name: 'x', port: 'ssh' }], ...jail }, SSHD, {
        sshPorts,
      });

    it.each<[string, Partial<Jail>]>([
      ['auth.log', {}],
      ['/var/log/secure', { logpath: ['/var/log/secure'] }],
      ['the journal of its unit', { logpath: [], journalmatch: ['_SYSTEMD_UNIT=ssh.service + _COMM=sshd'] }],
      ['the journal of its program', { logpath: [], journalmatch: ['_COMM=sshd'] }],
    ])('watches %s', (_, jail) => expect(ssh(jail)).toEqual({ reasons: [], restart: false }));

    it.each<[string, Partial<Jail>]>([
      ['/tmp/auth.log.old', { logpath: ['/tmp/auth.log.old'] }],
      ['_COMM=cron', { logpath: [], journalmatch: ['_COMM=cron'] }],
    ])('watches nothing of sshd in %s', (told, jail) =>
      expect(ssh(jail).reasons).toEqual([`the running jail watches ${told}, not the log of sshd`]),
    );

    it.each<[string, number[]]>([
      ['ssh', [22]],
      ['ssh,2222', [22, 2222]],
      ['0:65535', [2222]],
      ['1024:', []],
    ])('closes %s, where sshd listens on %j', (port, sshPorts) =>
      expect(ssh({ actions: [{ name: 'x', port }] }, sshPorts).reasons).toEqual([]),
    );

    it('has to close every port of sshd', () =>
      expect(ssh({}, [22, 2222])).toEqual({
        reasons: ['the running jail closes the ports ssh, wanted 22,2222'],
        restart: true,
      }));
  });

  it.each([
    [['198.51.100.9'], '198.51.100.9'],
    [['1.0.0.1', '1.0.0.2', '1.0.0.3', '1.0.0.4', '1.0.0.5'], '1.0.0.1, 1.0.0.2, 1.0.0.3, 1.0.0.4, 1.0.0.5'],
    [
      ['1.0.0.1', '1.0.0.2', '1.0.0.3', '1.0.0.4', '1.0.0.5', '1.0.0.6'],
      '1.0.0.1, 1.0.0.2, 1.0.0.3, 1.0.0.4, 1.0.0.5, …',
    ],
  ])('has to be restarted for bans that the kernel lost: %j', (unenforced, named) => {
    expect(drift({ unenforced })).toEqual({
      reasons: [`banned, but not in the kernel: ${named}`],
      restart: true,
    });
  });

  it('is judged by nothing else where it was never started', () => {
    expect(drift({ started: false, bantime: 600, unenforced: ['192.0.2.1'] })).toEqual({
      reasons: ['the jail is listed, but was never started'],
      restart: false,
    });
  });

  it('says all that differs', () => {
    expect(drift({ bantime: 1, findtime: 2, maxretry: 3, logpath: [], ignoreip: [] }).reasons).toHaveLength(
      5,
    );
  });
});
