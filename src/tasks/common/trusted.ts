import { Type } from '@sinclair/typebox';
import { contains, parseNetwork } from './network.ts';

/** Addresses and networks that a task spares. */
export const Trusted = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 50 }), { uniqueItems: true, description });

/** What the schema cannot say; `then` is what a network of all addresses would come to. */
export function checkTrusted(trusted: readonly string[] = [], then: string): [(string | number)[], string][] {
  return trusted.flatMap((text, index): [(string | number)[], string][] => {
    const network = parseNetwork(text);
    if (network && network.prefix > 0) return [];
    const what = network ? `is every address there is: ${then}` : 'is not an IPv4 or IPv6 address or network';
    return [[['trusted', index], `${text} ${what}`]];
  });
}

/** Does one of these networks hold the address, which may name its interface (`fe80::1%eth0`)? Undefined if it is none. */
export function spares(networks: readonly string[], address: string): boolean | undefined {
  const one = parseNetwork(address.replace(/%.*$/, ''));
  if (!one) return undefined;
  return networks.some((text) => {
    const network = parseNetwork(text);
    return network !== undefined && contains(network, one);
  });
}
