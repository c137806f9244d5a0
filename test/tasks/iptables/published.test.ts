import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseSave } from '../../../src/probes/firewall.ts';
import { publishedRules } from '../../../src/tasks/iptables/published.ts';
import { repository } from '../../repository.ts';

const LISTS = ['DDOS-PING', 'DDOS-SSH', 'DDOS-SMTP', 'DDOS-POP', 'DDOS-IMAP'];
const found = (...input: string[]) => publishedRules({ chains: new Map([['INPUT', input]]) }, LISTS);

it('are found as each version prints them', () => {
  const text = readFileSync(join(repository, 'test/fixtures/iptables/published-rules.v4.txt'), 'utf8');
  const dumps = text.split(/^#### /m).filter((dump) => dump.includes('*filter'));
  expect(dumps.length).toBeGreaterThan(0);
  for (const dump of dumps) {
    const rules = publishedRules(parseSave(dump), LISTS);
    expect([...new Set(rules.map(({ list }) => list))]).toEqual(LISTS);
    expect(rules.map(({ position }) => position)).toEqual(rules.map((_, index) => index + 1));
  }
});

const SET =
  '-p tcp -m tcp --dport 25 -m state --state NEW -m recent --set --name DDOS-SMTP --mask 255.255.255.255 --rsource';

it.each([
  ['one of the pair', SET, 1],
  ['without mask', '-p tcp -m tcp --dport 25 -m recent --set --name DDOS-SMTP --rsource', 1],
  [
    'with conntrack and several ports',
    '-p tcp -m multiport --dports 25,587 -m conntrack --ctstate NEW -m recent --rcheck --seconds 60 --hitcount 4 --name DDOS-SMTP --rsource -j DROP',
    1,
  ],
  ['of another list', SET.replace('DDOS-SMTP', 'portscan'), 0],
  ['of one source only', `-s 192.0.2.0/24 ${SET}`, 0],
  ['of one interface', `-i eth0 ${SET}`, 0],
  ['negated', SET.replace('--dport', '! --dport'), 0],
  ['that accepts', `${SET} -j ACCEPT`, 0],
  ['that leads elsewhere', `${SET} -j LOGDROP`, 0],
  ['of other states', SET.replace('NEW', 'NEW,ESTABLISHED'), 0],
  ['of a part of the address', SET.replace('255.255.255.255', '255.255.255.0'), 0],
  ['by destination', SET.replace('--rsource', '--rdest'), 0],
  ['with a comment', `${SET} -m comment --comment mine`, 0],
])('are rules that do nothing else: %s', (_, spec, count) =>
  expect(found('-j f2b', spec)).toHaveLength(count),
);
