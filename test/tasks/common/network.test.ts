import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, parseNetwork } from '../../../src/tasks/common/network.ts';

const text = (input: string) => parseNetwork(input)?.text;

describe('parseNetwork', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7/32'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::7', '2001:db8::7/128'],
    ['2001:db8:0:0:0:0:0:7', '2001:db8::7/128'],
    ['2001:db8:1:2:3:4:5:6/64', '2001:db8:1:2::/64'],
    ['::1', '::1/128'],
    ['::', '::/128'],
    ['fe80::', 'fe80::/128'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3/128'],
    ['::ffff:192.0.2.1', '::ffff:c000:201/128'],
  ])('%s is %s', (input, expected) => expect(text(input)).toBe(expected));

  it.each([
    '',
    'x',
    '1.2.3',
    '1.2.3.4/33',
    '1.2.3.4/',
    '::/129',
    'fe80::1%eth0',
    '010.1.1.1',
    '1.2.3.4 ',
    'host.example',
    '1.2.3.4/255.0.0.0',
  ])('refuses %j', (input) => expect(parseNetwork(input)).toBeUndefined());

  it('reads what it prints as the same network', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (address, length) => {
        const prefix = Math.min(length, address.includes(':') ? 128 : 32);
        const network = parseNetwork(`${address}/${prefix}`)!;
        expect(parseNetwork(network.text)).toEqual(network);
        expect(contains(network, parseNetwork(address)!)).toBe(true);
      }),
    );
  });
});

describe('contains', () => {
  it.each([
    ['10.0.0.0/8', '10.9.9.9', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.1', '10.0.0.0/8', false],
    ['::/1', '1.2.3.4', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
  ])('%s contains %s: %s', (outer, inner, expected) => {
    expect(contains(parseNetwork(outer)!, parseNetwork(inner)!)).toBe(expected);
  });
});
