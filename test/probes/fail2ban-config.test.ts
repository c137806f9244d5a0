import { describe, expect, it } from 'vitest';
import { fail2banConfigProbe } from '../../src/probes/fail2ban-config.ts';

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const parse = (output: string) => fail2banConfigProbe.parse(Buffer.from(output), ['jails']).get('jails');
const row = (path: string, ...lines: string[]) => `${base64(path)} ${base64(lines.join('\n'))}\n`;

describe('the configuration of the jails', () => {
  it('is absent where there is no folder', () => expect(parse('')).toEqual({ state: 'absent' }));

  it('may be empty', () => expect(parse('present\n')).toEqual({ state: 'present', value: [] }));

  it('keeps the order of the files and the numbers of their lines', () =>
    expect(
      parse(
        `present\n${row('jail.conf', '3:[DEFAULT]', '5:bantime = 1:00')}${row('jail.d/a b.conf', '1:[x]')}${row('jail.local')}`,
      ),
    ).toEqual({
      state: 'present',
      value: [
        { path: '/etc/fail2ban/jail.conf', text: '\n\n[DEFAULT]\n\nbantime = 1:00' },
        { path: '/etc/fail2ban/jail.d/a b.conf', text: '[x]' },
        { path: '/etc/fail2ban/jail.local', text: '' },
      ],
    }));

  it('keeps every byte', () =>
    expect(parse(`present\n${row('x', '1:\u00e4\u0080 = \u00ff')}`)).toMatchObject({
      value: [{ text: '\u00e4\u0080 = \u00ff' }],
    }));

  it('that is something else is not understood', () =>
    expect(parse('absent\n')).toMatchObject({ state: 'unreadable' }));
});
