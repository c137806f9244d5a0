import type { Family } from '../../probes/firewall.ts';
import { parseNetwork } from '../common/network.ts';

/** What a limit counts. */
export type Traffic =
  | { readonly protocol: 'icmp' }
  /** Ports ascending, each once. New connections only. */
  | { readonly protocol: 'tcp' | 'udp'; readonly ports: readonly number[] };

/** The small grammar of the rules in our chain. */
export type Rule =
  | { readonly kind: 'loopback' }
  /** A source that is never counted. */
  | { readonly kind: 'trusted'; readonly network: string }
  /** Records the source in a list. */
  | { readonly kind: 'record'; readonly list: string; readonly traffic: Traffic }
  /** Drops a source that the list holds `hitcount` times within `seconds`. */
  | {
      readonly kind: 'drop';
      readonly list: string;
      readonly traffic: Traffic;
      readonly seconds: number;
      readonly hitcount: number;
    };

/** Spelled out always: a rule restored without it is another one to the kernel than a rule added without it. */
const MASK = { ipv4: '255.255.255.255', ipv6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' } as const;

/** Echo requests only: dropping neighbour discovery or fragmentation-needed would cut the host off. */
const ECHO = {
  ipv4: '-p icmp -m icmp --icmp-type 8',
  ipv6: '-p ipv6-icmp -m icmp6 --icmpv6-type 128',
} as const;

/** A rule as `iptables-save` prints it, without `-A CHAIN`. */
export function printRule(rule: Rule, family: Family): string {
  switch (rule.kind) {
    case 'loopback':
      return '-i lo -j RETURN';
    case 'trusted':
      return `-s ${rule.network} -j RETURN`;
    case 'record':
      return `${printTraffic(rule.traffic, family)} -m recent --set --name ${rule.list} --mask ${MASK[family]} --rsource`;
    case 'drop':
      return `${printTraffic(rule.traffic, family)} -m recent --update --seconds ${rule.seconds} --hitcount ${rule.hitcount} --name ${rule.list} --mask ${MASK[family]} --rsource -j DROP`;
  }
}

function printTraffic(traffic: Traffic, family: Family): string {
  if (traffic.protocol === 'icmp') return ECHO[family];
  const { protocol, ports } = traffic;
  const match =
    ports.length === 1 ? `-m ${protocol} --dport ${ports[0]}` : `-m multiport --dports ${ports.join(',')}`;
  return `-p ${protocol} ${match} -m conntrack --ctstate NEW`;
}

/** The words of a rule as `iptables-save` quotes them: `"…"` with backslashes where a word has blanks. */
export function words(spec: string): string[] {
  return [...spec.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map((match) =>
    match[1] === undefined ? match[2]! : match[1].replace(/\\(.)/g, '$1'),
  );
}

/** The list that a rule counts into or drops by. */
export function listOf(spec: string): string | undefined {
  const all = words(spec);
  return all.includes('recent') ? all[all.indexOf('--name') + 1] : undefined;
}

const FLAGS = new Set(['--set', '--update', '--rcheck', '--rsource']);

/** The rule that `iptables-save` printed, in whatever order of options; undefined if it is none of our grammar. */
export function parseRule(spec: string, family: Family): Rule | undefined {
  const options = parseOptions(spec);
  if (!options) return undefined;
  const take = (name: string): string | undefined => {
    const value = options.get(name);
    options.delete(name);
    return value;
  };
  const rule = ruleOf(take, family);
  // whatever was not understood makes it another rule
  return options.size === 0 ? rule : undefined;
}

/** Options by name, `-m NAME` as `-m NAME`; undefined if one is negated, given twice or has no value. */
export function parseOptions(spec: string): Map<string, string> | undefined {
  const options = new Map<string, string>();
  const rest = words(spec);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-')) return undefined;
    const value = FLAGS.has(word) ? '' : rest.shift();
    const name = word === '-m' ? `-m ${value}` : word;
    if (value === undefined || options.has(name)) return undefined;
    options.set(name, value);
  }
  return options;
}

type Take = (name: string) => string | undefined;

function ruleOf(take: Take, family: Family): Rule | undefined {
  const target = take('-j');
  if (target === 'RETURN') {
    const source = take('-s');
    if (source === undefined) return take('-i') === 'lo' ? { kind: 'loopback' } : undefined;
    const network = parseNetwork(source);
    return network?.family === family ? { kind: 'trusted', network: network.text } : undefined;
  }
  const traffic = parseTraffic(take, family);
  const list = take('--name');
  const plain =
    take('-m recent') !== undefined && take('--rsource') !== undefined && take('--mask') === MASK[family];
  if (!traffic || list === undefined || !plain) return undefined;
  if (target === undefined)
    return take('--set') === undefined ? undefined : { kind: 'record', list, traffic };
  const [seconds, hitcount] = [number(take('--seconds')), number(take('--hitcount'))];
  if (target !== 'DROP' || take('--update') === undefined || !seconds || !hitcount) return undefined;
  return { kind: 'drop', list, traffic, seconds, hitcount };
}

function parseTraffic(take: Take, family: Family): Traffic | undefined {
  const protocol = take('-p');
  const [icmp, module, option, type] =
    family === 'ipv4' ? ['icmp', 'icmp', '--icmp-type', '8'] : ['ipv6-icmp', 'icmp6', '--icmpv6-type', '128'];
  if (protocol === icmp) {
    return take(`-m ${module}`) !== undefined && take(option!) === type ? { protocol: 'icmp' } : undefined;
  }
  if (protocol !== 'tcp' && protocol !== 'udp') return undefined;
  if (take('-m conntrack') === undefined || take('--ctstate') !== 'NEW') return undefined;
  const list = take(`-m ${protocol}`) === undefined ? undefined : take('--dport');
  const text = list ?? (take('-m multiport') === undefined ? undefined : take('--dports'));
  const ports = text?.split(',').map(number);
  if (!ports?.every((port) => port !== undefined)) return undefined;
  return { protocol, ports: sortedPorts(ports) };
}

const number = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;

/** Ascending, each once. */
export const sortedPorts = (ports: readonly number[]): number[] => [...new Set(ports)].sort((a, b) => a - b);

/** A rule in words: `the rule that records DDOS-SSH`. */
export function describeRule(rule: Rule): string {
  switch (rule.kind) {
    case 'loopback':
      return 'the exemption of loopback';
    case 'trusted':
      return `the exemption of ${rule.network}`;
    case 'record':
      return `the rule that records ${rule.list}`;
    case 'drop':
      return `the rule that drops by ${rule.list}`;
  }
}
