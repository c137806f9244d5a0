import { describe, expect, it } from 'vitest';
import { absent, present, unreadable } from '../../../src/probes/probe.ts';
import { type Protocol, proxiedServers, serverFile } from '../../../src/tasks/common/james-proxy.ts';
import { fileState } from '../context.ts';

const PATH = '/opt/james/conf/smtpserver.xml';
const read = (text: string, protocol: Protocol = 'smtp') =>
  proxiedServers(PATH, protocol, present(fileState({ content: Buffer.from(text) })));
/** One server; what is in it begins in line 2. */
const server = (inner: string, attributes = '') =>
  `<smtpservers><smtpserver${attributes}>\n${inner}\n</smtpserver></smtpservers>`;
const PROXY = '<proxyRequired>true</proxyRequired>';
const VARIABLE = ['$', '{env:X}'].join('');

describe('servers behind a proxy', () => {
  it.each<[string, string, readonly number[], boolean]>([
    ['on every address', `<bind>0.0.0.0:25</bind>${PROXY}`, [25], false],
    ['on the port James takes by itself', PROXY, [25], false],
    ['on two ports', `<bind>0.0.0.0:25, 0.0.0.0:587</bind>${PROXY}`, [25, 587], false],
    ['on loopback only', `<bind>127.0.0.1:10025,localhost:10026</bind>${PROXY}`, [10025, 10026], true],
    ['on loopback and elsewhere', `<bind>127.0.0.1:25,192.0.2.1:25</bind>${PROXY}`, [25, 25], false],
    ['on a name that only begins like loopback', `<bind>127.example.org:25</bind>${PROXY}`, [25], false],
    ['on a port nobody knows here', `<bind>${VARIABLE}</bind>${PROXY}`, [25], false],
    ['spelled otherwise', '<proxyRequired> YES </proxyRequired>', [25], false],
    ['by a variable', `<proxyRequired>${VARIABLE}</proxyRequired>`, [25], false],
    ['by the first of two', `${PROXY}<proxyRequired>false</proxyRequired>`, [25], false],
  ])('%s', (_, inner, ports, local) =>
    expect(read(server(inner))).toEqual([{ place: `${PATH}:2`, ports, local }]),
  );

  it.each([
    ['nothing says so', server('<bind>0.0.0.0:25</bind>')],
    ['it is not required', server('<proxyRequired>false</proxyRequired>')],
    ['it is in a comment', server(`<!-- ${PROXY} -->`)],
    ['the server is switched off', server(PROXY, ' enabled="false"')],
    ['the server is in a comment', `<smtpservers><!-- ${server(PROXY)} --></smtpservers>`],
    ['it stands in another element', server(`<handlerchain>${PROXY}</handlerchain>`)],
    ['it is a server of another protocol', server(PROXY).replaceAll('smtpserver>', 'lmtpserver>')],
    ['it is an attribute, which James does not read', server('', ' proxyRequired="true"')],
  ])('none where %s', (_, text) => expect(read(text)).toEqual([]));

  it('names each line', () => {
    const two = `<smtpservers>\n<smtpserver>${PROXY}</smtpserver>\n\n<smtpserver><bind>127.0.0.1:1</bind>${PROXY}</smtpserver></smtpservers>`;
    expect(read(two)).toMatchObject([{ place: `${PATH}:2` }, { place: `${PATH}:4`, local: true }]);
  });

  it.each<[Protocol, number]>([
    ['pop3', 110],
    ['imap', 143],
  ])('of %s, whose port is %i', (protocol, port) =>
    expect(read(server(PROXY).replaceAll('smtpserver', `${protocol}server`), protocol)).toMatchObject([
      { ports: [port] },
    ]),
  );

  it('none where James has no such file', () => expect(proxiedServers(PATH, 'smtp', absent)).toEqual([]));

  it.each([
    ['it is not well-formed', present(fileState({ content: Buffer.from('<a>') })), /:1:\d+ .*not clear$/],
    [
      'its entities may stand for anything',
      present(fileState({ content: Buffer.from('<!DOCTYPE a [<!ENTITY p "x">]><a/>') })),
      /:1:1 it has a DOCTYPE.*not clear$/,
    ],
    [
      'its encoding is not known',
      present(fileState({ content: Buffer.from([0xff, 0xfe, 0x3c, 0]) })),
      /UTF-16/,
    ],
    ['it is too large', present(fileState()), /is not a file that can be read/],
  ])('are not known where %s', (_, file, reason) =>
    expect(proxiedServers(PATH, 'smtp', file)).toEqual({
      verdict: 'blocked',
      reason: expect.stringMatching(reason),
    }),
  );

  it('are not known where the file cannot be looked at', () =>
    expect(proxiedServers(PATH, 'smtp', unreadable('no'))).toEqual({
      verdict: 'failed',
      reason: `${PATH} could not be looked at: no`,
    }));

  it('are configured below the home of James', () => expect(serverFile('/opt/james', 'smtp')).toBe(PATH));
});
