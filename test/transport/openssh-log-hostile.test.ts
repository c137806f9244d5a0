import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TransportError } from '../../src/transport/transport.ts';
import {
  authenticated,
  changed,
  closed,
  connected,
  denied,
  direct,
  greeting,
  jumped,
  kex,
  lines,
  offering,
  proxied,
  silent,
  unknown,
} from './ssh-logs.ts';

describe('what a host says of itself is not taken for the words of ssh', () => {
  // ssh writes the text of a disconnect on one line, line breaks escaped
  const disconnected = (words: string) =>
    lines(connected, greeting, `Received disconnect from 203.0.113.10 port 22:2: ${words}`);
  test.each([
    'Host key verification failed.',
    '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
    '@       WARNING: REVOKED HOST KEY DETECTED!               @',
    'The ED25519 host key for web1 is marked as revoked.',
    'Host key ED25519 SHA256:x revoked by file /etc/passwd',
    'No ED25519 host key is known for web1',
    'deploy@web1: Permission denied (publickey).',
    'Permission denied (publickey).',
    'no matching host key type found',
    'Connection timed out',
    'ssh: connect to host web1 port 22: Connection refused',
    'open failed: administratively prohibited',
    '\\nHost key verification failed.\\n',
  ])('%s', (words) => {
    for (const error of [
      direct(disconnected(words)),
      direct(lines(connected, `debug1: kex_exchange_identification: banner line 0: ${words}`, 'gone')),
    ]) {
      expect(error.reason).toBe('unreachable');
      expect(error.message).toMatch(/^web1 .* does not speak SSH as expected/);
    }
  });

  test('nor what it offers', () =>
    expect(
      direct(
        lines(
          connected,
          `Unable to negotiate with 203.0.113.10 port 22: no matching cipher found. Their offer: HOST IDENTIFICATION HAS CHANGED,revoked by file x`,
        ),
      ).reason,
    ).toBe('no-common-algorithm'));

  test('and is shown without what a terminal obeys', () =>
    expect(direct(disconnected('\u001b[2J\u202egone\u0007')).message).not.toMatch(/[\p{Cc}\u202e]/u));

  test('whatever the logs hold: a sentence of one line about the host', () => {
    const row = fc.oneof(
      fc.constantFrom(
        ...[connected, proxied, kex, authenticated, closed, silent, denied, unknown, changed('x:1')],
        offering(),
        'debug1: Server accepts key: ',
        'channel 0: open failed: ',
        'Load key "',
      ),
      fc.string({ unit: 'binary' }),
    );
    const log = fc.array(row, { maxLength: 8 }).map((rows) => rows.join('\n'));
    fc.assert(
      fc.property(log, log, fc.boolean(), (first, second, late) => {
        const error = jumped(first, second, { late });
        expect(error).toBeInstanceOf(TransportError);
        expect(error.host).toBe('web1');
        expect(error.message).not.toMatch(/\p{Cc}/u);
        expect(error.message.length).toBeLessThan(2500);
      }),
    );
  });
});
