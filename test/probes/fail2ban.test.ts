import { describe, expect, it } from 'vitest';
import { fail2banProbe } from '../../src/probes/fail2ban.ts';

const parse = (said: unknown) =>
  fail2banProbe.parse(Buffer.from(JSON.stringify(said)), ['fail2ban']).get('fail2ban');
const jail = (said: object) => {
  const seen = parse({ running: true, jails: { james: said } });
  return seen?.state === 'present' ? seen.value.jails.get('james') : undefined;
};

const NOTHING = {
  bantime: undefined,
  findtime: undefined,
  maxretry: undefined,
  maxlines: undefined,
  started: undefined,
  logpath: [],
  failregex: [],
  ignoreregex: [],
  ignoreip: [],
  prefregex: '',
  datepattern: '',
  ignorecommand: '',
  journalmatch: [],
  actions: [],
  banned: [],
  unenforced: [],
  bypassed: false,
};

describe('what fail2ban says', () => {
  it('is absent where it does not run', () => expect(parse({ running: false })).toEqual({ state: 'absent' }));

  it('is unreadable where it hangs, with what to do', () =>
    expect(parse({ running: true, silent: true })).toMatchObject({
      state: 'unreadable',
      why: expect.stringMatching(/^it runs, and has not answered for 5 s, .*: systemctl restart fail2ban \(/),
    }));

  it.each([[[]], [null], [{}], [{ running: true }], [{ running: true, jails: [] }]])(
    '%j is not understood',
    (said) => expect(parse(said)).toMatchObject({ state: 'unreadable' }),
  );

  it('that is cut off is not understood', () =>
    expect(() => fail2banProbe.parse(Buffer.from('{"running": tr'), ['fail2ban'])).toThrow());

  it('may be no jail at all', () =>
    expect(parse({ running: true, jails: {} })).toEqual({
      state: 'present',
      value: { running: true, jails: new Map() },
    }));

  it('is taken as it is', () => {
    const said = {
      bantime: 7200,
      findtime: 1200,
      maxretry: 2,
      maxlines: 1,
      started: true,
      logpath: ['/opt/james/log/james.log'],
      failregex: ['^x$'],
      ignoreregex: ['^y$'],
      ignoreip: ['127.0.0.0/8'],
      prefregex: '^p',
      datepattern: '%Y Year',
      ignorecommand: '/bin/true',
      journalmatch: ['_COMM=sshd'],
      actions: [{ name: 'iptables-multiport', port: 'smtp' }],
      banned: ['192.0.2.1'],
      unenforced: ['192.0.2.1'],
      bypassed: false,
    };
    expect(jail(said)).toEqual(said);
  });

  it('of which nothing is known is nothing, not what is wanted', () => {
    expect(jail({})).toEqual(NOTHING);
    expect(
      jail({
        bantime: '7200',
        maxretry: null,
        started: 'yes',
        logpath: '/var/log/x',
        actions: [7, { name: 'x', label: 'y', port: null }],
        prefregex: null,
      }),
    ).toEqual({ ...NOTHING, actions: [{ name: 'x', port: undefined }] });
  });
});
