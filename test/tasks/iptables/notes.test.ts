import { describe, expect, it } from 'vitest';
import type { FirewallState } from '../../../src/probes/firewall.ts';
import { absent, present, unreadable } from '../../../src/probes/probe.ts';
import type { UnitState } from '../../../src/probes/systemd.ts';
import { notesOf } from '../../../src/tasks/iptables/notes.ts';
import type { Params } from '../../../src/tasks/iptables/schema.ts';

const SSH = { name: 'DDOS-SSH', protocol: 'tcp' as const, ports: [22], seconds: 60, hitcount: 6 };
const empty = { active: present({ chains: new Map() }), other: absent, nat: absent };
const state: FirewallState = {
  version: '1.8.9',
  backend: 'nft',
  ipv4: empty,
  ipv6: { ...empty, on: true },
  sshPorts: present([22]),
};
const unit = (activeState: string, unitFileState: string) =>
  present<UnitState>({
    activeState,
    unitFileState,
    needDaemonReload: false,
    dropIns: [],
    wantedBy: ['multi-user.target'],
    stateChange: 0,
  });

const notes = (
  params: Partial<Params>,
  seen: Partial<FirewallState> = {},
  operator = '',
  managers: Parameters<typeof notesOf>[4] = [],
) => notesOf({ limits: [SSH], ...params }, { ...state, ...seen }, [22], operator, managers);

describe('notesOf', () => {
  it('has nothing to say of a plain host', () => expect(notes({})).toEqual([]));

  it('names other managers that run or will', () => {
    const managers = [
      unit('inactive', 'enabled'),
      absent,
      unit('active', 'static'),
      unit('inactive', 'disabled'),
    ];
    expect(notes({}, {}, '', managers)).toEqual([
      'Other firewall managers on this host: ufw.service and nftables.service. harden-limits.service starts after them; if one of them flushes HARDEN later, check reports that.',
    ]);
  });

  it.each([
    ['192.0.2.7', [], true],
    ['192.0.2.7', ['192.0.2.0/24'], false],
    ['fe80::1%eth0', ['fe80::/10'], false],
    ['2001:db8::1', ['192.0.2.0/24'], true],
  ])('recommends to trust %s where trusted is %j: %s', (operator, trusted, expected) => {
    const found = notes({ trusted }, {}, operator);
    expect(found).toHaveLength(expected ? 1 : 0);
    if (expected)
      expect(found[0]).toMatch(
        /^Your address .* DDOS-SSH too, which admits 5 new ones in 60 s .* Consider adding it\.$/,
      );
  });

  it('recommends nothing where no limit is on SSH', () => {
    expect(notes({ limits: [{ ...SSH, ports: [25] }] }, {}, '192.0.2.7')).toEqual([]);
  });

  it('names the trap of pairs that were put in by hand, of either family', () => {
    const by = (rules: string[]) => ({
      active: present({
        chains: new Map([
          ['INPUT', rules],
          ['HARDEN', rules],
        ]),
      }),
      other: absent,
      nat: absent,
    });
    const pair =
      '-s 192.0.2.0/24 -p tcp -m tcp --dport 22 -m state --state NEW -m recent --set --name DDOS-SSH --mask 255.255.255.255 --rsource';
    const other = '-m recent --set --name portscan --rsource';
    expect(notes({}, { ipv4: by([pair, other]), ipv6: { ...by([pair]), on: true } })).toEqual([
      expect.stringMatching(
        /^ipv4: rules in INPUT count into DDOS-SSH as well, so every connection counts twice/,
      ),
      expect.stringMatching(/^ipv6: rules in INPUT count into DDOS-SSH as well/),
    ]);
  });

  it('says what it could not look at, and what is not there', () => {
    expect(
      notes({}, { ipv4: { ...empty, other: unreadable('no permission') }, ipv6: { ...empty, on: false } }),
    ).toEqual([
      'IPv6 is off on this host; its limits come with the first run that finds it on.',
      'The ipv4 rules of the other back end could not be looked at: no permission',
    ]);
  });

  it('says which ports are limited twice', () => {
    expect(notes({ limits: [SSH, { ...SSH, name: 'B' }] })).toEqual([
      'Several limits count tcp 22: the strictest of them decides.',
    ]);
  });
});
