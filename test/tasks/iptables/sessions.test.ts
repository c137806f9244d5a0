import { describe, expect, it } from 'vitest';
import type { FamilyTables, FirewallState } from '../../../src/probes/firewall.ts';
import { absent, present, unreadable } from '../../../src/probes/probe.ts';
import { chainRules, type Limit } from '../../../src/tasks/iptables/chain.ts';
import { printRule } from '../../../src/tasks/iptables/rule.ts';
import { declaredSessions, sessionsAdmitted } from '../../../src/tasks/iptables/sessions.ts';

const SSH: Limit = { name: 'DDOS-SSH', protocol: 'tcp', seconds: 60, hitcount: 6 };
const SMTP: Limit = { name: 'DDOS-SMTP', protocol: 'tcp', ports: [25], seconds: 60, hitcount: 4 };
const FIVE = { seconds: 60, sessions: 5 };

const table = (chains: Record<string, readonly string[]>): FamilyTables => ({
  active: present({ chains: new Map(Object.entries(chains)) }),
  other: absent,
  nat: absent,
});
const ours = (family: 'ipv4' | 'ipv6', trusted: string[] = [], ports = [22]) => ({
  INPUT: ['-p tcp -m multiport --dports 22 -j f2b-sshd', '-j HARDEN'],
  HARDEN: chainRules([SMTP, SSH], trusted, family, ports).map((rule) => printRule(rule, family)),
  'f2b-sshd': ['-j RETURN'],
});
const state = (ipv4: FamilyTables, ipv6 = table(ours('ipv6')), ports = [22]): FirewallState => ({
  version: '1.8.9',
  backend: 'nft',
  ipv4,
  ipv6: { ...ipv6, on: true },
  sshPorts: present(ports),
});

/** The pair of the published guide, as it was typed. */
const pair = (name = 'BY-HAND') => [
  `-p tcp -m tcp --dport 22 -m state --state NEW -m recent --set --name ${name} --mask 255.255.255.255 --rsource`,
  `-p tcp -m tcp --dport 22 -m state --state NEW -m recent --update --seconds 60 --hitcount 6 --name ${name} --mask 255.255.255.255 --rsource -j DROP`,
];

describe('sessionsAdmitted', () => {
  const all = ours('ipv4');
  it.each<[string, FirewallState, string, number, unknown]>([
    ['our chain', state(table(all)), '192.0.2.7', 22, [FIVE]],
    ['of IPv6', state(table({})), '2001:db8::1', 22, [FIVE]],
    ['of a link-local address', state(table({})), 'fe80::1%eth0', 22, [FIVE]],
    ['no rules', state(table({})), '192.0.2.7', 22, []],
    ['no table', state({ ...table({}), active: absent }), '192.0.2.7', 22, []],
    ['a chain that nothing leads to', state(table({ ...all, INPUT: [] })), '192.0.2.7', 22, []],
    ['a trusted address', state(table(ours('ipv4', ['192.0.2.0/24']))), '192.0.2.7', 22, []],
    ['another one is trusted', state(table(ours('ipv4', ['198.51.100.0/24']))), '192.0.2.7', 22, [FIVE]],
    [
      'an address that is accepted before',
      state(table({ ...all, INPUT: ['-s 192.0.2.7/32 -j ACCEPT', '-j HARDEN'] })),
      '192.0.2.7',
      22,
      [],
    ],
    [
      'another port of sshd',
      state(table(ours('ipv4', [], [22])), undefined, [22, 2222]),
      '192.0.2.7',
      2222,
      [],
    ],
    ['a forwarded port', state(table(all)), '192.0.2.7', 20_022, [FIVE]],
    ['rules made by hand', state(table({ INPUT: pair() })), '192.0.2.7', 22, [FIVE]],
    [
      'rules made by hand twice',
      state(table({ INPUT: [...pair(), ...pair()] })),
      '192.0.2.7',
      22,
      [
        { seconds: 60, sessions: 2 },
        { seconds: 60, sessions: 2 },
      ],
    ],
    [
      'the same list in our chain and by hand',
      state(table({ ...all, INPUT: ['-j HARDEN', pair('DDOS-SSH')[0]!] })),
      '192.0.2.7',
      22,
      [{ seconds: 60, sessions: 2 }],
    ],
    ['a rule that only drops', state(table({ INPUT: [pair()[1]!] })), '192.0.2.7', 22, []],
    [
      'a chain that leads into itself',
      state(table({ INPUT: ['-j A'], A: ['-j A', ...pair()] })),
      '192.0.2.7',
      22,
      [FIVE],
    ],
    [
      'the other back end',
      state({ ...table({}), other: present({ chains: new Map(Object.entries(all)) }) }),
      '192.0.2.7',
      22,
      [FIVE],
    ],
    [
      'rules that could not be looked at',
      state({ ...table({}), active: unreadable('x') }),
      '192.0.2.7',
      22,
      undefined,
    ],
    ['no address', state(table(all)), '', 22, undefined],
  ])('%s', (_, seen, source, port, expected) =>
    expect(sessionsAdmitted(seen, source, port)).toEqual(expected),
  );
});

describe('declaredSessions', () => {
  it.each<[string, Limit, number, unknown]>([
    ['the row that follows sshd', SSH, 2222, [FIVE]],
    ['a row with the port', { ...SSH, ports: [22, 25] }, 22, [FIVE]],
    ['a row with another port', SMTP, 22, []],
    ['udp', { ...SSH, protocol: 'udp', ports: [22] }, 22, []],
    ['icmp', { ...SSH, protocol: 'icmp' }, 22, []],
  ])('%s', (_, limit, port, expected) => expect(declaredSessions([limit], port)).toEqual(expected));
});
