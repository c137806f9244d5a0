import { describe, expect, test } from 'vitest';
import { printable } from '../../src/text/harmless.ts';
import { connectFailure, place } from '../../src/transport/errors.ts';

test.each([
  [{ name: 'web1', address: '203.0.113.10', port: 22 }, 'web1 (203.0.113.10:22)'],
  [{ name: 'web1', address: '2001:db8::1', port: 22 }, 'web1 ([2001:db8::1]:22)'],
  [{ name: 'here', address: 'this machine' }, 'here (this machine)'],
  [{ name: 'web1', address: 'b', port: 23, hop: 'bastion' }, 'jump host bastion (b:23) on the way to web1'],
])('%j is %s', (where, text) => {
  expect(place(where)).toBe(text);
});

test.each([
  ['two\r\nlines', 'two lines'],
  ['\u001b[31mred\u0007', '[31mred'],
  ['a\u202eb', 'a b'],
  ['x'.repeat(400), `${'x'.repeat(300)}…`],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

describe('a connection that was never made', () => {
  const where = { name: 'web1', address: '203.0.113.10', port: 22 };
  test.each([
    ['ENOTFOUND', 'unresolved', /DNS/],
    ['ECONNREFUSED', 'refused', /fail2ban ban/],
    ['ETIMEDOUT', 'timeout', /within 10 s.*down.*fail2ban/],
    ['EHOSTUNREACH', 'unreachable', /EHOSTUNREACH/],
    [undefined, 'unreachable', /odd/],
  ])('%s is %s', (code, reason, says) => {
    const error = connectFailure(where, Object.assign(new Error('odd'), { code }), 10);
    expect(error).toMatchObject({ reason, host: 'web1', message: expect.stringMatching(says) });
    expect(error.message).toContain('203.0.113.10');
  });
});
