import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainRules } from '../../../src/tasks/iptables/chain.ts';
import { ruleDrift } from '../../../src/tasks/iptables/drift.ts';
import { printRule } from '../../../src/tasks/iptables/rule.ts';
import { rulesOf } from './arbitraries.ts';

const wanted = chainRules(
  [{ name: 'SSH', protocol: 'tcp', ports: [22], seconds: 60, hitcount: 6 }],
  ['192.0.2.7'],
  'ipv4',
  [],
);
const held = wanted.map((rule) => printRule(rule, 'ipv4'));
const [lo, trusted, record, drop] = held as [string, string, string, string];

const drift = (chain: string[] | undefined, input = ['-j HARDEN']) =>
  ruleDrift(
    { chains: new Map([['INPUT', input], ...(chain ? [['HARDEN', chain] as [string, string[]]] : [])]) },
    'HARDEN',
    wanted,
    'ipv4',
  );

describe('ruleDrift', () => {
  it('finds nothing in what was printed', () => {
    fc.assert(
      fc.property(rulesOf('ipv6'), (rules) => {
        const chains = new Map([
          ['INPUT', ['-j HARDEN']],
          ['HARDEN', rules.map((rule) => printRule(rule, 'ipv6'))],
        ]);
        expect(ruleDrift({ chains }, 'HARDEN', rules, 'ipv6')).toEqual([]);
      }),
    );
  });

  it.each([
    ['no chain', undefined, ['the chain HARDEN is missing']],
    ['an empty chain', [], ['the chain HARDEN is empty']],
    ['a deleted rule', [lo, trusted, drop], ['the rule that records SSH is missing']],
    ['a rule twice', [...held, drop], ['the rule that drops by SSH stands there more than once']],
    ['another order', [trusted, lo, record, drop], ['the rules of HARDEN are in another order']],
    [
      'a rule too many',
      ['-s 192.0.2.8/32 -j RETURN', ...held],
      ['the exemption of 192.0.2.8/32 is one too many in HARDEN'],
    ],
    [
      'an altered rule',
      [lo, trusted, record, drop.replace('--hitcount 6', '--hitcount 60')],
      ['the rule that drops by SSH has hitcount 60, wanted 6'],
    ],
    [
      'another port',
      [lo, trusted, record.replace('--dport 22', '--dport 2222'), drop],
      ['the rule that records SSH has ports 2222, wanted 22'],
    ],
    [
      'another protocol',
      [lo, trusted, record, drop.replace('-p tcp -m tcp', '-p udp -m udp')],
      ['the rule that drops by SSH has protocol udp, wanted tcp'],
    ],
    ['a foreign rule', ['-j ACCEPT', ...held], ['a foreign rule stands in HARDEN: "-j ACCEPT"']],
    [
      'seconds and hitcount exchanged',
      [lo, trusted, record, drop.replace('60 --hitcount 6', '6 --hitcount 60')],
      ['the rule that drops by SSH has seconds 6, wanted 60, hitcount 60, wanted 6'],
    ],
  ])('names %s', (_, chain, expected) => expect(drift(chain)).toEqual(expected));

  it.each([
    [[], ['the jump from INPUT to HARDEN is missing']],
    [['-j HARDEN', '-j HARDEN'], ['INPUT jumps to HARDEN 2 times, so every connection counts 2 times']],
    [['-j ACCEPT', '-j HARDEN'], ['the jump to HARDEN stands below a rule that may accept: "-j ACCEPT"']],
    [['-j HARDEN', '-i eth0 -j HARDEN'], ['INPUT also leads to HARDEN by "-i eth0 -j HARDEN"']],
  ])('names the jumps of %j', (input, expected) => expect(drift(held, input)).toEqual(expected));
});
