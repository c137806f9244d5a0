import { expect, it } from 'vitest';
import { checkTrusted, spares } from '../../../src/tasks/common/trusted.ts';

it.each<[string[] | undefined, [number, string][]]>([
  [undefined, []],
  [[], []],
  [['192.0.2.1', '10.0.0.0/8', '2001:db8::/32', '::1'], []],
  [['0.0.0.0/0'], [[0, '0.0.0.0/0 is every address there is: nobody is banned']]],
  [['10.0.0.1', '::/0'], [[1, '::/0 is every address there is: nobody is banned']]],
  [['mail.example.org'], [[0, 'mail.example.org is not an IPv4 or IPv6 address or network']]],
  [
    ['192.0.2.256', '10.0.0.0/33'],
    [
      [0, '192.0.2.256 is not an IPv4 or IPv6 address or network'],
      [1, '10.0.0.0/33 is not an IPv4 or IPv6 address or network'],
    ],
  ],
])('of %j it says %j', (trusted, said) =>
  expect(checkTrusted(trusted, 'nobody is banned')).toEqual(
    said.map(([index, text]) => [['trusted', index], text]),
  ),
);

it.each<[string, string[], boolean | undefined]>([
  ['192.0.2.7', [], false],
  ['192.0.2.7', ['mail.example.org', '198.51.100.7'], false],
  ['192.0.2.7', ['198.51.100.7', '192.0.2.0/24'], true],
  ['fe80::1%eth0', ['fe80::/10'], true],
  ['2001:db8::1', ['192.0.2.0/24', '2001:DB8:0::1'], true],
  ['', ['192.0.2.0/24'], undefined],
])('whether %j is in %j: %j', (address, networks, expected) =>
  expect(spares(networks, address)).toBe(expected),
);
