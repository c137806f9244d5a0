import { expect, it } from 'vitest';
import { readInput, wellPlaced } from '../../../src/tasks/iptables/input.ts';

const F2B = '-p tcp -m multiport --dports 22 -j f2b-sshd';

it.each([
  ['at the top', ['-j HARDEN', '-j ACCEPT'], true],
  ['below fail2ban', [F2B, '-j HARDEN'], true],
  [
    'below rules that drop, refuse, log or only count',
    [
      '-s 203.0.113.1/32 -j DROP',
      '-p udp -j REJECT --reject-with icmp-port-unreachable',
      '-j LOG --log-prefix "-j x "',
      '-p tcp',
      '-j HARDEN',
    ],
    true,
  ],
  [
    'below a comment that looks like a target',
    ['-m comment --comment -j -s 203.0.113.1/32 -j DROP', '-j HARDEN'],
    true,
  ],
  ['below an ACCEPT', ['-p tcp -m tcp --dport 22 -j ACCEPT', '-j HARDEN'], false],
  ["below somebody else's chain", ['-j ufw-before-input', '-j HARDEN'], false],
  ['below a goto', ['-g other', '-j HARDEN'], false],
  ['twice', ['-j HARDEN', '-j HARDEN'], false],
  ['on a condition', ['-i eth0 -j HARDEN'], false],
  ['also on a condition', ['-j HARDEN', '-s 192.0.2.1/32 -g HARDEN'], false],
  ['not at all', [F2B, '-m comment --comment "-j HARDEN" -j ACCEPT'], false],
])('a jump %s', (_, input, expected) => expect(wellPlaced(readInput(input, 'HARDEN'))).toBe(expected));

it('finds every jump with its place', () => {
  expect(readInput([F2B, '-j HARDEN', '-j ACCEPT', '-i eth0 -j HARDEN'], 'HARDEN')).toEqual({
    jumps: [
      { position: 2, spec: '-j HARDEN', plain: true },
      { position: 4, spec: '-i eth0 -j HARDEN', plain: false },
    ],
    ahead: [],
  });
});
