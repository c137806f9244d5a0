import { describe, expect, it } from 'vitest';
import { canonicalAddress, closes, wantedSettings } from '../../../src/tasks/fail2ban/jail-settings.ts';
import { jailParams, type Over } from './fixtures/jail.ts';

const wanted = (over: Over = {}, defaultIgnoreip?: string, unwritten?: string) =>
  wantedSettings(jailParams(over), { defaultIgnoreip, unwritten });
const texts = (...args: Parameters<typeof wanted>) =>
  wanted(...args).map(({ key, text }) => `${key} = ${text}`);
const only = (key: string, ...args: Parameters<typeof wanted>) =>
  wanted(...args).find((one) => one.key === key);

describe('wantedSettings', () => {
  it('has all that a new section needs, in this order', () => {
    expect(texts()).toEqual([
      'enabled = true',
      'filter = james',
      'backend = auto',
      'logpath = /opt/james/log/james.log',
      'port = smtp,imap',
      'bantime = 120m',
      'findtime = 20m',
      'maxretry = 2',
      'ignoreip = 127.0.0.1/8 ::1 192.0.2.7',
    ]);
  });

  it('leaves out what nobody asked for', () => {
    expect(
      texts({ filter: undefined, backend: undefined, logpath: undefined, port: undefined, trusted: [] }),
    ).toEqual(['enabled = true', 'bantime = 120m', 'findtime = 20m', 'maxretry = 2']);
  });

  it('writes a percent sign as fail2ban reads it', () => {
    const setting = only('logpath', { logpath: '/log/100%.log' })!;
    expect(setting.text).toBe('/log/100%%.log');
    expect(setting.same('/log/100%%.log')).toBe(true);
    expect(setting.same('/log/100%.log')).toBe(false);
    expect(setting.same('%(james_log)s')).toBe(false);
  });

  it('reads the journal where nothing else can be read, and says why', () => {
    const backend = only('backend', { backend: undefined }, undefined, '/var/log/auth.log does not exist')!;
    expect(backend).toMatchObject({ text: 'systemd', why: expect.stringContaining('/var/log/auth.log') });
    expect(['systemd', 'auto', '%(sshd_backend)s', ''].map((text) => backend.same(text))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it.each<[string, Over, string, boolean]>([
    ['enabled', {}, 'yes', true],
    ['enabled', {}, 'TRUE', true],
    ['enabled', {}, 'on', true],
    ['enabled', {}, '1', true],
    ['enabled', {}, 'false', false],
    ['enabled', {}, '', false],
    ['enabled', { enabled: false }, 'no', true],
    ['enabled', { enabled: false }, 'true', false],
    ['bantime', {}, '2h', true],
    ['bantime', {}, '7200', true],
    ['bantime', {}, '1h 60m', true],
    ['bantime', {}, '121m', false],
    ['bantime', {}, '2*3600', false],
    ['bantime', {}, '%(dbpurgeage)s', false],
    ['findtime', { findtime: 1200 }, '20m', true],
    ['maxretry', {}, '2', true],
    ['maxretry', {}, '3', false],
    ['maxretry', {}, '%(maxmatches)s', false],
    ['port', {}, 'smtp, imap', true],
    ['port', {}, 'smtp ,imap', true],
    ['port', {}, 'imap,smtp', false],
    ['port', {}, 'smtp', false],
    ['filter', {}, 'james', true],
    ['filter', {}, 'james[mode=x]', false],
    ['journalmatch', { journalmatch: '_A=b + _C=d' }, '_A=b  +\n_C=d', true],
    ['ignoreip', {}, '192.0.2.7,::1 127.0.0.0/8', true],
    ['ignoreip', {}, '127.0.0.1/8\n::1\n192.0.2.7/32', true],
    ['ignoreip', {}, '127.0.0.1/8 ::1', false],
    ['ignoreip', {}, '127.0.0.1/8 ::1 192.0.2.7 198.51.100.1', false],
  ])('takes %s of %j for %j: %s', (key, params, text, same) => {
    expect(only(key, params)!.same(text)).toBe(same);
  });

  it.each([
    [undefined, '127.0.0.1/8 ::1 192.0.2.7'],
    ['127.0.0.1/8 ::1', '127.0.0.1/8 ::1 192.0.2.7'],
    // once, whatever its spelling
    ['127.0.0.0/8, 0:0:0:0:0:0:0:1 192.0.2.7/32', '127.0.0.1/8 ::1 192.0.2.7'],
    ['10.0.0.0/8\nmail.example', '127.0.0.1/8 ::1 192.0.2.7 10.0.0.0/8 mail.example'],
    // what refers to other values can only be referred to
    ['10.0.0.0/8 %(lan)s', '127.0.0.1/8 ::1 192.0.2.7 %(default/ignoreip)s'],
  ])('keeps what the host ignores by default: %j', (byDefault, expected) => {
    expect(only('ignoreip', {}, byDefault)!.text).toBe(expected);
  });

  it('touches no ignoreip where nobody is trusted', () => {
    expect(only('ignoreip', { trusted: [] }, '10.0.0.0/8')).toBeUndefined();
  });
});

describe('the ports of sshd', () => {
  const port = (sshPorts: number[], written?: string) =>
    wantedSettings(jailParams({ port: undefined }), {
      defaultIgnoreip: undefined,
      sshPorts,
      port: written,
    }).find(({ key }) => key === 'port');

  it.each<[number[], string | undefined]>([
    [[], undefined],
    [[22], undefined],
    [[2222], 'ssh,2222'],
    [[22, 2222], '0:65535'],
  ])('are closed already: %j by %s', (sshPorts, written) => expect(port(sshPorts, written)).toBeUndefined());

  it.each<[number[], string | undefined, string, string]>([
    [[2222], undefined, '2222', 'a ban closes ssh, but sshd listens on 2222: port = 2222'],
    [[22, 2222], 'ssh', '22,2222', 'a ban closes ssh, but sshd listens on 22,2222: port = 22,2222'],
    [[22], '%(ports)s', '22', 'a ban closes %(ports)s, but sshd listens on 22: port = 22'],
  ])('have to be closed: %j by %s', (sshPorts, written, text, why) => {
    const setting = port(sshPorts, written)!;
    expect(setting).toMatchObject({ text, why });
    expect([text, `${text},443`, '443'].map((other) => setting.same(other))).toEqual([true, true, false]);
  });

  it.each<[string, number[], boolean]>([
    ['', [22], false],
    ['', [], true],
    ['22', [22], true],
    ['ssh', [22], true],
    [' ssh , 2222', [22, 2222], true],
    ['20:30', [22], true],
    ['20:30', [31], false],
    ['20:', [22], false],
    [':', [22], false],
    ['sshd', [22], false],
    ['%(port)s', [22], false],
  ])('%j closes %j: %s', (list, ports, all) => expect(closes(list, ports)).toBe(all));
});

it.each([
  ['127.0.0.1/8', '127.0.0.0/8'],
  ['::1', '::1/128'],
  ['host.example', 'host.example'],
])('%s is %s', (word, canonical) => expect(canonicalAddress(word)).toBe(canonical));
