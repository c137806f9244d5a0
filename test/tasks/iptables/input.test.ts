import { expect, it } from 'vitest';
import { readInput, wellPlaced } from '../../../src/tasks/iptables/input.ts';

const F2B = '-p tcp -m multiport --dports 22 -j f2b-sshd';

/** INPUT, and chains that it may lead to. */
const read = (input: readonly string[], others: Readonly<Record<string, readonly string[]>> = {}) =>
  readInput(
    {
      chains: new Map(
        Object.entries({
          INPUT: input,
          HARDEN: [],
          'f2b-sshd': ['-s 203.0.113.5/32 -j REJECT --reject-with icmp-port-unreachable', '-j RETURN'],
          'ufw-before-input': ['-i lo -j ACCEPT'],
          other: ['-j DROP'],
          ...others,
        }),
      ),
    },
    'HARDEN',
  );

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
  ['below a chain that drops', ['-j other', '-j HARDEN'], true],
  ['below a RETURN, which ends INPUT', ['-s 192.0.2.1/32 -j RETURN', '-j HARDEN'], false],
  ['below what marks', ['-j MARK --set-xmark 0x1', '-j HARDEN'], false],
  ['below a goto', ['-g other', '-j HARDEN'], false],
  ['twice', ['-j HARDEN', '-j HARDEN'], false],
  ['on a condition', ['-i eth0 -j HARDEN'], false],
  ['also on a condition', ['-j HARDEN', '-s 192.0.2.1/32 -g HARDEN'], false],
  ['not at all', [F2B, '-m comment --comment "-j HARDEN" -j ACCEPT'], false],
])('a jump %s', (_, input, expected) => expect(wellPlaced(read(input))).toBe(expected));

it('finds every jump with its place', () => {
  expect(read([F2B, '-j HARDEN', '-j ACCEPT', '-i eth0 -j HARDEN'])).toEqual({
    jumps: [
      { position: 2, spec: '-j HARDEN', plain: true },
      { position: 4, spec: '-i eth0 -j HARDEN', plain: false },
    ],
    ahead: [],
  });
});

it.each<[string, Record<string, readonly string[]>, boolean]>([
  ['an address', { 'f2b-sshd': ['-s 192.0.2.1/32 -j ACCEPT', '-j RETURN'] }, false],
  ['nobody', { 'f2b-sshd': ['-j RETURN'] }, true],
  ['nobody, by way of another', { 'f2b-sshd': ['-j other'] }, true],
  ['somebody, by way of another', { 'f2b-sshd': ['-j ufw-before-input'] }, false],
  ['nobody knows whom', { 'f2b-sshd': ['-j a'], a: ['-j b'], b: ['-j a'] }, false],
])('a jump below a chain of fail2ban that accepts %s', (_, chains, expected) =>
  expect(wellPlaced(read([F2B, '-j HARDEN'], chains))).toBe(expected),
);
