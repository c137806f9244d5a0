import { isIPv4, isIPv6 } from 'node:net';
import type { Family } from '../../probes/firewall.ts';

/** An address or a network. Two spellings of one network have one `text`. */
export interface Network {
  readonly family: Family;
  /** As iptables prints it: `192.0.2.7/32`, `2001:db8::/32`; host bits are zero. */
  readonly text: string;
  readonly bits: bigint;
  readonly prefix: number;
}

const WIDTH = { ipv4: 32, ipv6: 128 } as const;

/** `192.0.2.7`, `10.0.0.0/8`, `2001:db8::7`, `2001:db8::/32`; undefined if it is none of these. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  if (!family) return undefined;
  const width = WIDTH[family];
  const prefix = length === undefined ? width : Number(length);
  if (prefix > width) return undefined;
  const host = BigInt(width - prefix);
  const bits = ((family === 'ipv4' ? bits4(address) : bits6(address)) >> host) << host;
  return { family, bits, prefix, text: `${family === 'ipv4' ? print4(bits) : print6(bits)}/${prefix}` };
}

/** Is all of `inner` part of `outer`? */
export function contains(outer: Network, inner: Network): boolean {
  const host = BigInt(WIDTH[outer.family] - outer.prefix);
  return (
    outer.family === inner.family && outer.prefix <= inner.prefix && inner.bits >> host === outer.bits >> host
  );
}

const bits4 = (address: string): bigint =>
  address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);

function bits6(address: string): bigint {
  const quad = /[^:]+\.[^:]+$/.exec(address)?.[0];
  const hex = quad
    ? `${address.slice(0, -quad.length)}${(bits4(quad) >> 16n).toString(16)}:${(bits4(quad) & 0xffffn).toString(16)}`
    : address;
  const [head = '', tail] = hex.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

const print4 = (bits: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.');

/** RFC 5952: the longest run of zero groups becomes `::`. */
function print6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const [longest] = [...groups.join(':').matchAll(/(?<![^:])0(:0)+(?![^:])/g)].sort(
    (a, b) => b[0].length - a[0].length,
  );
  if (!longest) return groups.join(':');
  const text = groups.join(':');
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}
