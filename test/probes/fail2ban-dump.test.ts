import { describe, expect, it } from 'vitest';
import { fail2banDumpProbe } from '../../src/probes/fail2ban-dump.ts';

const parse = (output: string) => fail2banDumpProbe.parse(Buffer.from(output), ['dump']).get('dump');

describe('what fail2ban makes of its files', () => {
  it('is absent where it is not installed', () => expect(parse('')).toEqual({ state: 'absent' }));

  it('is every jail, with what it does and sees', () =>
    expect(
      parse(`status 0
['add', 'sshd', 'systemd']
['set', 'sshd', 'addaction', 'iptables-multiport']
['add', 'james', 'auto']
['set', 'james', 'addlogpath', '/opt/james/log/james.log', 'head']
['set', 'james', 'addaction', 'iptables-multiport']
['set', 'james', 'addaction', 'sendmail']
['add', 'other', 'auto']
['set', 'other', 'addjournalmatch', '_COMM=x']
['add', 'journal', 'systemd[journalflags=1]']
['config-error', "Jail 'out' skipped, because of wrong configuration: Unable to read the filter 'nofilter'"]
['config-error', "Jail 'cut' skipped, because of wrong configuration: so long that
['start', 'sshd']
refused\tother\tbantime = never: name 'never' is not defined
`),
    ).toEqual({
      state: 'present',
      value: {
        jails: new Map(
          Object.entries({
            sshd: { actions: ['iptables-multiport'], watches: true },
            james: { actions: ['iptables-multiport', 'sendmail'], watches: true },
            other: { actions: [], watches: false, refused: "bantime = never: name 'never' is not defined" },
            cut: { skipped: 'so long that', actions: [], watches: false },
            journal: { actions: [], watches: true },
            out: { skipped: "Unable to read the filter 'nofilter'", actions: [], watches: false },
          }),
        ),
      },
    }));

  it('may be nothing, and why is told once', () =>
    expect(
      parse(
        "status 255\nFailed during configuration: File contains no section headers.\nfile: '/etc/x', line: 1\n'garbage\\n'\nThe configuration stream failed because of the invalid syntax.\n",
      ),
    ).toEqual({
      state: 'present',
      value: {
        refusal:
          "Failed during configuration: File contains no section headers. file: '/etc/x', line: 1 'garbage\\n'",
        jails: new Map(),
      },
    }));

  it('that is something else is not understood', () =>
    expect(parse('what\n')).toMatchObject({ state: 'unreadable' }));
});
