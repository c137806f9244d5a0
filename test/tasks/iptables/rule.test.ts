import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSave } from '../../../src/probes/firewall.ts';
import { describeRule, parseRule, printRule, type Rule, words } from '../../../src/tasks/iptables/rule.ts';
import { fixtures } from '../../repository.ts';
import { ruleOf } from './arbitraries.ts';

const SSH =
  '-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name DDOS-SSH --mask 255.255.255.255 --rsource';
const ssh: Rule = { kind: 'record', list: 'DDOS-SSH', traffic: { protocol: 'tcp', ports: [22] } };

describe.each(['ipv4', 'ipv6'] as const)('%s rules', (family) => {
  it('parse to what was printed, in any order of options', () => {
    fc.assert(
      fc.property(ruleOf(family), fc.infiniteStream(fc.nat()), (rule, numbers) => {
        const text = printRule(rule, family);
        expect(parseRule(text, family)).toEqual(rule);
        const options = text.match(/-{1,2}\S+(?: [^-]\S*)?/g)!;
        const shuffled = options
          .map((option) => ({ option, key: numbers.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ option }) => option);
        expect(parseRule(shuffled.join(' '), family)).toEqual(rule);
      }),
    );
  });

  it.each(['1.8.7-nft', '1.8.7-legacy', '1.8.9-nft', '1.8.9-legacy', '1.8.11-nft', '1.8.11-legacy'])(
    'of iptables %s are all understood, and printed the same',
    (version) => {
      const file = join(import.meta.dirname, `../../probes/firewall/${version}.v${family.slice(-1)}.txt`);
      const held = parseSave(readFileSync(file, 'utf8')).chains.get('HARDEN')!;
      expect(held.map((spec) => printRule(parseRule(spec, family)!, family))).toEqual(held);
    },
  );
});

describe('parseRule', () => {
  it.each([
    ['-s 192.0.2.7 -j RETURN', { kind: 'trusted', network: '192.0.2.7/32' }],
    [SSH.replace('-m tcp --dport 22', '-m multiport --dports 22'), ssh],
    [
      SSH.replace('-m tcp --dport 22', '-m multiport --dports 443,22,22'),
      { ...ssh, traffic: { protocol: 'tcp', ports: [22, 443] } },
    ],
    [`${SSH} `, ssh],
  ])('reads %s', (spec, rule) => expect(parseRule(spec, 'ipv4')).toEqual(rule));

  it.each([
    '',
    '-j ACCEPT',
    '-i eth0 -j RETURN',
    '-i lo -s 192.0.2.7/32 -j RETURN',
    '! -i lo -j RETURN',
    '-s 2001:db8::7/128 -j RETURN',
    '-i lo -m comment --comment "by hand" -j RETURN',
    `${SSH} -j ACCEPT`,
    `${SSH} -s 192.0.2.7/32`,
    SSH.replace('--rsource', '--rdest'),
    SSH.replace('255.255.255.255', '255.255.255.0'),
    SSH.replace('--set', '--rcheck'),
    SSH.replace('NEW', 'NEW,ESTABLISHED'),
    SSH.replace('-m conntrack --ctstate', '-m state --state'),
    SSH.replace('-m conntrack --ctstate NEW ', ''),
    SSH.replace('--dport 22', '--dport 22:23'),
    SSH.replace('--dport 22', '! --dport 22'),
    `${SSH} --name DDOS-SSH`,
    '-p icmp -m recent --set --name DDOS-PING --mask 255.255.255.255 --rsource',
    '-p icmp -m icmp --icmp-type 3 -m recent --set --name DDOS-PING --mask 255.255.255.255 --rsource',
    `${SSH.replace('--set', '--update --seconds 60')} -j DROP`,
    `${SSH.replace('--set', '--update --seconds 60 --hitcount 6 --rttl')} -j DROP`,
    '-i',
  ])('takes %j for foreign', (spec) => expect(parseRule(spec, 'ipv4')).toBeUndefined());

  it('tells seconds from hitcount', () => {
    const drop = (seconds: number, hitcount: number): Rule =>
      ({ ...ssh, kind: 'drop', seconds, hitcount }) as Rule;
    expect(parseRule(printRule(drop(60, 4), 'ipv4'), 'ipv4')).not.toEqual(drop(4, 60));
  });

  it('takes the published pairs for foreign: they have no type and the old state match', () => {
    const text = readFileSync(join(fixtures, 'iptables/published-rules.v4.txt'), 'utf8');
    const rules = parseSave(text).chains.get('INPUT')!;
    expect(rules).toHaveLength(10);
    expect(rules.filter((spec) => parseRule(spec, 'ipv4'))).toEqual([]);
  });
});

describe('words', () => {
  it.each([
    ['-j LOG --log-prefix "a b"', ['-j', 'LOG', '--log-prefix', 'a b']],
    ['--comment "say \\"-j ACCEPT\\" \\\\"', ['--comment', 'say "-j ACCEPT" \\']],
    ['  ', []],
  ])('of %s', (spec, expected) => expect(words(spec)).toEqual(expected));
});

describe('describeRule', () => {
  it('names every kind', () => {
    expect(describeRule({ kind: 'loopback' })).toBe('the exemption of loopback');
    expect(describeRule({ kind: 'trusted', network: '192.0.2.7/32' })).toBe('the exemption of 192.0.2.7/32');
    expect(describeRule(ssh)).toBe('the rule that records DDOS-SSH');
    expect(describeRule({ ...ssh, kind: 'drop', seconds: 1, hitcount: 4 } as Rule)).toBe(
      'the rule that drops by DDOS-SSH',
    );
  });
});
