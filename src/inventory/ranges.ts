import type { SourceDocument } from '../document/document.ts';
import type { Problem } from '../document/problem.ts';
import { hint } from '../document/suggest.ts';
import type { Inventory } from './schema.ts';

/** What one inventory can hold: as many as one run can look after. */
const MOST = 5000;

const RANGE = /^(.*)\[(\d{1,9}):(\d{1,9})\](.*)$/;

/**
 * The names that `mail[001:300]` stands for, or a text without a range for itself. Leading zeros are kept. A string says
 * why it stands for none.
 */
export function namesOf(text: string): readonly string[] | string {
  const [, head = '', from = '', to = '', tail = ''] = RANGE.exec(text) ?? [];
  if (from === '') return [text];
  const [first, last] = [Number(from), Number(to)];
  if (last < first) return `the range ends before it begins: write [${to}:${from}]`;
  if (last - first >= MOST) return `a range can stand for ${MOST} hosts at most`;
  return Array.from(
    { length: last - first + 1 },
    (_, index) => head + String(first + index).padStart(from.length, '0') + tail,
  );
}

export interface Expanded {
  /** Each host by its own name, groups with the names of their members. */
  readonly inventory: Inventory;
  /** The key below `hosts` that a name comes from. */
  readonly keys: ReadonlyMap<string, string>;
}

/** The inventory without ranges. What is wrong with them goes into `problems`. */
export function expandRanges(inventory: Inventory, document: SourceDocument, problems: Problem[]): Expanded {
  const keys = new Map<string, string>();
  const hosts: Record<string, Inventory['hosts'][string]> = {};
  for (const [key, host] of Object.entries(inventory.hosts)) {
    const complain = (path: readonly string[], message: string, at: 'key' | 'value') =>
      problems.push(document.problem(['hosts', key, ...path], message, { at }));
    const names = namesOf(key);
    if (typeof names === 'string') {
      complain([], names, 'key');
      continue;
    }
    const addresses = host?.address === undefined ? undefined : addressesOf(host.address, names.length);
    if (typeof addresses === 'string') complain(['address'], addresses, 'value');
    for (const [index, name] of names.entries()) {
      const other = keys.get(name);
      if (other !== undefined) {
        complain([], `"${name}" stands below hosts already, as one of "${other}"`, 'key');
        break;
      }
      keys.set(name, key);
      hosts[name] = typeof addresses === 'object' ? { ...host, address: addresses[index]! } : host;
    }
  }
  if (keys.size > MOST) {
    problems.push(document.problem(['hosts'], `${keys.size} hosts, but ${MOST} is the most`, { at: 'key' }));
  }
  return { inventory: { ...inventory, hosts, groups: groupsOf(inventory, keys, document, problems) }, keys };
}

/** One address a name. */
function addressesOf(address: string, count: number): readonly string[] | string {
  const addresses = namesOf(address);
  if (typeof addresses === 'string') return addresses;
  if (addresses.length !== count) {
    return addresses.length === 1
      ? `${count} hosts cannot have one address; give it a range of ${count}, too, or leave it out`
      : `this range has ${addresses.length} addresses for ${count} ${count === 1 ? 'host' : 'hosts'}`;
  }
  return addresses;
}

function groupsOf(
  { groups = {} }: Inventory,
  keys: ReadonlyMap<string, string>,
  document: SourceDocument,
  problems: Problem[],
): NonNullable<Inventory['groups']> {
  const known = [...keys.keys()];
  return Object.fromEntries(
    Object.entries(groups).map(([group, { hosts, ...rest }]) => {
      const members = hosts.flatMap((member, index) => {
        const names = namesOf(member);
        const missing = typeof names === 'string' ? undefined : names.find((name) => !keys.has(name));
        if (typeof names === 'string') {
          problems.push(document.problem(['groups', group, 'hosts', index], names));
        } else if (missing !== undefined) {
          problems.push(
            document.problem(['groups', group, 'hosts', index], `there is no host "${missing}" below hosts`, {
              hint: hint(missing, known),
            }),
          );
        } else return names;
        return [];
      });
      return [group, { ...rest, hosts: [...members] }];
    }),
  );
}
