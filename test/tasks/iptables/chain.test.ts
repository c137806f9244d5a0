import { describe, expect, it } from 'vitest';
import {
  chainRules,
  followsSshd,
  type Limit,
  listName,
  tooFewSessions,
} from '../../../src/tasks/iptables/chain.ts';
import { printRule } from '../../../src/tasks/iptables/rule.ts';

const PING: Limit = { name: 'DDOS-PING', protocol: 'icmp', seconds: 5, hitcount: 6 };
const SSH: Limit = { name: 'DDOS-SSH', protocol: 'tcp', seconds: 60, hitcount: 6 };
const MAIL: Limit = {
  name: 'MAIL',
  name6: 'MAIL-V6',
  protocol: 'tcp',
  ports: [587, 25],
  seconds: 60,
  hitcount: 4,
};

describe('chainRules', () => {
  const printed = (family: 'ipv4' | 'ipv6') =>
    chainRules([PING, SSH, MAIL], ['10.1.2.3/8', '2001:db8::7', '10.0.0.0/8'], family, [22, 2222]).map(
      (rule) => printRule(rule, family),
    );

  it('exempts loopback and trusted sources, then counts, in order', () => {
    expect(printed('ipv4')).toEqual([
      '-i lo -j RETURN',
      '-s 10.0.0.0/8 -j RETURN',
      '-p icmp -m icmp --icmp-type 8 -m recent --set --name DDOS-PING --mask 255.255.255.255 --rsource',
      '-p icmp -m icmp --icmp-type 8 -m recent --update --seconds 5 --hitcount 6 --name DDOS-PING --mask 255.255.255.255 --rsource -j DROP',
      '-p tcp -m multiport --dports 22,2222 -m conntrack --ctstate NEW -m recent --set --name DDOS-SSH --mask 255.255.255.255 --rsource',
      '-p tcp -m multiport --dports 22,2222 -m conntrack --ctstate NEW -m recent --update --seconds 60 --hitcount 6 --name DDOS-SSH --mask 255.255.255.255 --rsource -j DROP',
      '-p tcp -m multiport --dports 25,587 -m conntrack --ctstate NEW -m recent --set --name MAIL --mask 255.255.255.255 --rsource',
      '-p tcp -m multiport --dports 25,587 -m conntrack --ctstate NEW -m recent --update --seconds 60 --hitcount 4 --name MAIL --mask 255.255.255.255 --rsource -j DROP',
    ]);
  });

  it('gives IPv6 lists, echo requests and trusted sources of its own', () => {
    const rules = printed('ipv6');
    expect(rules.slice(0, 3)).toEqual([
      '-i lo -j RETURN',
      '-s 2001:db8::7/128 -j RETURN',
      '-p ipv6-icmp -m icmp6 --icmpv6-type 128 -m recent --set --name DDOS-PING6 --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource',
    ]);
    expect(rules.at(-1)).toContain(' --name MAIL-V6 ');
  });
});

it('followsSshd: by word, or by name where no ports are given', () => {
  expect(followsSshd(SSH)).toBe(true);
  expect(followsSshd({ ...SSH, ports: [22] })).toBe(false);
  expect(followsSshd({ ...MAIL, ports: 'ssh' })).toBe(true);
  expect(followsSshd({ ...PING, name: 'SSH-PING' })).toBe(false);
});

it('listName: never the same for both families', () => {
  expect(listName(SSH, 'ipv4')).toBe('DDOS-SSH');
  expect(listName(SSH, 'ipv6')).toBe('DDOS-SSH6');
  expect(listName(MAIL, 'ipv6')).toBe('MAIL-V6');
});

it('tooFewSessions: only on a port of sshd', () => {
  expect(tooFewSessions({ ...SSH, hitcount: 3 }, [2222])).toMatch(/hitcount is 3, and 4 is the least/);
  expect(tooFewSessions({ ...MAIL, ports: [25, 2222], hitcount: 3 }, [2222])).toMatch(/MAIL limits SSH/);
  expect(tooFewSessions({ ...MAIL, hitcount: 2 }, [22])).toBeUndefined();
  expect(tooFewSessions({ ...SSH, hitcount: 4 }, [22])).toBeUndefined();
});
