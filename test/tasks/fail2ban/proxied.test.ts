import { describe, expect, it } from 'vitest';
import { absent, present, unreadable } from '../../../src/probes/probe.ts';
import { behindProxy } from '../../../src/tasks/fail2ban/proxied.ts';
import { fileState } from '../context.ts';

const HOME = '/opt/james';
const server = (bind: string) =>
  `<smtpserver><bind>${bind}</bind>\n<proxyRequired>true</proxyRequired></smtpserver>`;
const file = (inner: string) =>
  present(fileState({ content: Buffer.from(`<smtpservers>${inner}</smtpservers>`) }));
const look = (inner: string, version: string | undefined = '3.8.1') =>
  behindProxy(HOME, file(inner), present({ version }));

describe('a jail behind a proxy', () => {
  it('is not one where no server waits for a proxy', () => {
    expect(look('<smtpserver/>')).toEqual({ notes: [] });
    expect(behindProxy(HOME, absent, absent)).toEqual({ notes: [] });
  });

  it.each([server('0.0.0.0:25'), `${server('127.0.0.1:10025')}${server('192.0.2.1:25')}`])(
    'would ban the proxy: %j',
    (inner) =>
      expect(look(inner)).toMatchObject({
        verdict: 'blocked',
        reason: expect.stringMatching(
          /^\S+smtpserver\.xml:[23] sets proxyRequired: James logs guessed recipients with the proxy's address/,
        ),
      }),
  );

  it.each(['3.5.0', '3.9.0', undefined])('on this host counts failed logins, James %s', (version) =>
    expect(behindProxy(HOME, file(server('127.0.0.1:10025')), present({ version }))).toEqual({
      notes: [
        expect.stringMatching(/^\S+:2 sets proxyRequired: guessed recipients are logged with .* spared;/),
      ],
    }),
  );

  it('on this host counts nothing where James logs the proxy alone', () =>
    expect(look(server('127.0.0.1:10025'), '3.10.0-SNAPSHOT')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringMatching(/:2 sets proxyRequired: this version of James \(3\.10\.0-SNAPSHOT\)/),
    }));

  it('is not judged where James or its file cannot be looked at', () => {
    expect(behindProxy(HOME, unreadable('no'), absent)).toEqual({
      verdict: 'failed',
      reason: '/opt/james/conf/smtpserver.xml could not be looked at: no',
    });
    expect(behindProxy(HOME, file(server('127.0.0.1:1')), unreadable('no'))).toMatchObject({
      verdict: 'failed',
    });
  });
});
