import fc from 'fast-check';
import type { Family, FilterTable } from '../../../src/probes/firewall.ts';
import { parseNetwork } from '../../../src/tasks/common/network.ts';
import { type Rule, sortedPorts, type Traffic } from '../../../src/tasks/iptables/rule.ts';

const list = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}$/);

const traffic: fc.Arbitrary<Traffic> = fc.oneof(
  fc.constant<Traffic>({ protocol: 'icmp' }),
  fc.record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    ports: fc.array(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 15 }).map(sortedPorts),
  }),
);

/** Any rule of our grammar in one family. */
export const ruleOf = (family: Family): fc.Arbitrary<Rule> =>
  fc.oneof(
    fc.constant<Rule>({ kind: 'loopback' }),
    (family === 'ipv4' ? fc.ipV4() : fc.ipV6()).map(
      (address): Rule => ({ kind: 'trusted', network: parseNetwork(address)!.text }),
    ),
    fc.record({ kind: fc.constant('record' as const), list, traffic }),
    fc.record({
      kind: fc.constant('drop' as const),
      list,
      traffic,
      seconds: fc.integer({ min: 1, max: 86400 }),
      hitcount: fc.integer({ min: 2, max: 255 }),
    }),
  );

/** Any chain of ours: no rule twice. */
export const rulesOf = (family: Family): fc.Arbitrary<Rule[]> =>
  fc.uniqueArray(ruleOf(family), { minLength: 1, maxLength: 8, selector: (rule) => JSON.stringify(rule) });

const foreign = fc.constantFrom(
  '-p tcp -m tcp --dport 80 -j ACCEPT',
  '-p tcp -m multiport --dports 22 -j f2b-sshd',
  '-m comment --comment "quoted -j ACCEPT" -j LOG',
  '-s 203.0.113.0/24 -j DROP',
);

const jump = fc.constantFrom('-j HARDEN', '-i eth0 -j HARDEN', '-s 192.0.2.1/32 -g HARDEN');

/** Any table in which the chain HARDEN may exist or not, with anything in it and any jumps to it. */
export const tableOf = (specs: fc.Arbitrary<string>): fc.Arbitrary<FilterTable> =>
  fc
    .record({
      held: fc.option(fc.array(fc.oneof(specs, foreign), { maxLength: 6 }), { nil: undefined }),
      input: fc.array(fc.oneof(foreign, jump), { maxLength: 6 }),
      others: fc.array(foreign, { maxLength: 2 }),
    })
    .map(({ held, input, others }) => ({
      chains: new Map([
        ['INPUT', held ? input : input.filter((spec) => !spec.endsWith(' HARDEN'))],
        ['FORWARD', []],
        ['f2b-sshd', others],
        ...(held ? [['HARDEN', held] as [string, string[]]] : []),
      ]),
    }));

/** What the kernel makes of a batch: a new table, or an error and the old one. */
export function restore(table: FilterTable, batch: string): FilterTable {
  const chains = new Map([...table.chains].map(([name, rules]) => [name, [...rules]]));
  const rules = (chain: string) => {
    const found = chains.get(chain);
    if (!found) throw new Error(`no chain ${chain}`);
    return found;
  };
  const lines = batch.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.shift() !== '*filter' || lines.pop() !== 'COMMIT') throw new Error('not a batch');
  for (const line of lines) {
    const [, define] = /^:(\S+) - \[0:0\]$/.exec(line) ?? [];
    const [, verb, chain = '', number, rest = ''] =
      /^-([ADIX]) (\S+)(?: (\d+)(?= ))?(?: (.*))?$/.exec(line) ?? [];
    if (define) chains.set(define, []);
    else if (verb === 'A') rules(chain).push(rest);
    else if (verb === 'X') {
      if (rules(chain).length > 0) throw new Error(`${chain} is not empty`);
      if ([...chains.values()].flat().some((spec) => spec.endsWith(` ${chain}`)))
        throw new Error(`${chain} is in use`);
      chains.delete(chain);
    } else if (verb === 'D') {
      const at = rules(chain).indexOf(rest);
      if (at < 0) throw new Error(`no rule ${rest} in ${chain}`);
      rules(chain).splice(at, 1);
    } else if (verb === 'I') {
      if (Number(number) > rules(chain).length + 1) throw new Error('index of insertion too big');
      rules(chain).splice(Number(number) - 1, 0, rest);
    } else throw new Error(`not understood: ${line}`);
  }
  return { chains };
}
