import { expect, it } from 'vitest';
import { redirected } from '../../../src/tasks/iptables/redirected.ts';

const nat = (...prerouting: string[]) => ({
  chains: new Map([
    ['PREROUTING', prerouting],
    [
      'DOCKER',
      [
        '-i docker0 -j RETURN',
        '! -i docker0 -p tcp -m tcp --dport 25 -j DNAT --to-destination 172.17.0.2:25',
      ],
    ],
    ['UNUSED', ['-p tcp -j REDIRECT --to-ports 1']],
  ]),
});
const found = (...prerouting: string[]) =>
  redirected(nat(...prerouting), [22, 25]).map(({ port, to }) => `${port} to ${to}`);

it.each<[string, string[], string[]]>([
  ['nothing', [], []],
  ['a container', ['-m addrtype --dst-type LOCAL -j DOCKER'], ['25 to 172.17.0.2:25']],
  ['another port', ['-p tcp -m tcp --dport 25 -j REDIRECT --to-ports 2525'], ['25 to 2525']],
  ['the same port', ['-p tcp -m tcp --dport 25 -j REDIRECT --to-ports 25'], []],
  ['towards a limited port', ['-p tcp -m tcp --dport 2525 -j REDIRECT --to-ports 25'], []],
  [
    'several ports',
    ['-p tcp -m multiport --dports 25,587 -j DNAT --to-destination 10.0.0.2'],
    ['25 to 10.0.0.2'],
  ],
  [
    'a range',
    ['-p tcp -m tcp --dport 20:30 -j DNAT --to-destination 10.0.0.2'],
    ['22 to 10.0.0.2', '25 to 10.0.0.2'],
  ],
  ['everything', ['-j DNAT --to-destination 10.0.0.2'], ['22 to 10.0.0.2', '25 to 10.0.0.2']],
  ['another protocol', ['-p udp -m udp --dport 25 -j DNAT --to-destination 10.0.0.2'], []],
  ['one source', ['-s 192.0.2.1/32 -p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.0.2'], []],
  ['loopback', ['-d 127.0.0.1/32 -p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.0.2'], []],
  ['a circle', ['-j DOCKER', '-j PREROUTING'], ['25 to 172.17.0.2:25']],
  ['a comment', ['-m comment --comment "-j DNAT" -j ACCEPT'], []],
])('connections to limited ports that go elsewhere: %s', (_, rules, expected) =>
  expect(found(...rules)).toEqual(expected),
);
