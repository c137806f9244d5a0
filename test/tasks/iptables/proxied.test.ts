import { describe, expect, it } from 'vitest';
import type { FileState } from '../../../src/probes/file.ts';
import { absent, type Observed, present, unreadable } from '../../../src/probes/probe.ts';
import { countsProxy, serverFiles } from '../../../src/tasks/iptables/proxied.ts';
import { fileState } from '../context.ts';

const HOME = '/opt/james';
const file = (protocol: string, bind: string) =>
  present(
    fileState({
      content: Buffer.from(
        `<x><${protocol}server><bind>${bind}</bind><proxyRequired>true</proxyRequired></${protocol}server></x>`,
      ),
    }),
  );

describe('a limit on a port behind a proxy', () => {
  it('looks at all three protocols', () =>
    expect(serverFiles(HOME)).toEqual([
      '/opt/james/conf/smtpserver.xml',
      '/opt/james/conf/pop3server.xml',
      '/opt/james/conf/imapserver.xml',
    ]));

  it.each<[string, readonly Observed<FileState>[], number]>([
    ['SMTP', [file('smtp', '0.0.0.0:25'), absent, absent], 25],
    ['POP3', [absent, file('pop3', '0.0.0.0:110'), absent], 110],
    ['IMAP', [absent, absent, file('imap', '0.0.0.0:993,0.0.0.0:143')], 143],
  ])('would count all clients of %s as one', (_, files, port) =>
    expect(countsProxy(HOME, files, [25, 110, 143])).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining(`connections to port ${port} come from the proxy`),
    }),
  );

  it.each<[string, readonly Observed<FileState>[]]>([
    ['there is none', [absent, absent, absent]],
    ['another port is limited', [file('smtp', '0.0.0.0:10025'), absent, absent]],
    ['the proxy is on this host', [file('smtp', '127.0.0.1:25'), absent, absent]],
  ])('is right where %s', (_, files) => expect(countsProxy(HOME, files, [25, 110])).toBeUndefined());

  it('is not judged where a file cannot be looked at', () =>
    expect(countsProxy(HOME, [absent, unreadable('no'), absent], [25])).toMatchObject({ verdict: 'failed' }));
});
