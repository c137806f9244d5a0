import { printable } from '../text/harmless.ts';
import { failure, place, type Where } from './errors.ts';
import type { TransportError } from './transport.ts';

/** A key that a host showed. */
export interface ShownKey {
  readonly type: string;
  /** As `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

const described = ({ type, fingerprint }: ShownKey) =>
  `a ${printable(type)} key with fingerprint ${printable(fingerprint)}`;

const changedAdvice =
  'Either the host was installed anew or somebody answers in its place. Ask whoever runs it; only if the new key is right,';

/** `at`: the line that has another key, as `file:line`. */
export function keyChanged(where: Where, shown: ShownKey, at: string): TransportError {
  return failure(
    'host-key-changed',
    where,
    `${place(where)} showed ${described(shown)}, but ${printable(at)} has another key for it; the connection was closed before any login. ${changedAdvice} replace that line.`,
  );
}

/** `by`: what marks it so. */
export function keyRevoked(where: Where, shown: ShownKey, by: string): TransportError {
  return failure(
    'host-key-revoked',
    where,
    `${place(where)} showed ${described(shown)}, which ${printable(by)} marks as revoked; the connection was closed before any login. Do not use this host until whoever runs it has given it a new key.`,
  );
}

/** ssh's RevokedHostKeys names a file that ssh cannot read: then it trusts no key. */
export function revocationsUnreadable(
  where: Where,
  shown: ShownKey,
  file: string,
  why: string,
): TransportError {
  return failure(
    'host-key-unknown',
    where,
    `${place(where)} showed ${described(shown)}, of which ssh could not tell whether it is revoked: RevokedHostKeys in your ssh configuration names ${printable(file)}, which cannot be read (${printable(why)}); the connection was closed before any login. Give that setting the whole path of a list that you can read (not every ssh expands ~ there), or take it out.`,
  );
}

/** The inventory's host_key. `by`: the line that marks it so. */
export function pinRevoked(where: Where, pinned: ShownKey, by: string): TransportError {
  return failure(
    'host-key-revoked',
    where,
    `The key of ${place(where)} that is pinned as host_key in the inventory (${pinned.type}, ${pinned.fingerprint}) is one that ${printable(by)} marks as revoked; no connection was made. Do not use this host until whoever runs it has given it a new key, and pin that one.`,
  );
}

/** Where the key of a host can be put down, if it is right. */
export interface Recording {
  /** ssh's configuration names a file for new keys. */
  readonly recordable: boolean;
  /** ssh's HostKeyAlias: the name that its line has to have. */
  readonly alias?: string | undefined;
}

/** The inventory has a key of the host itself, and none of those on the way to it. */
const pinnable = (where: Where) => where.hop === undefined;

/** `note`: a sentence of its own in brackets, or nothing. */
export function keyUnknown(
  where: Where,
  shown: ShownKey,
  { recordable, alias }: Recording,
  note = '',
): TransportError {
  const scanned =
    alias === undefined
      ? 'add what `ssh-keyscan` prints to known_hosts'
      : `add it to known_hosts under the name ${printable(alias)} (HostKeyAlias in your ssh configuration)`;
  const pin = pinnable(where) ? ['pin it as host_key: in the inventory'] : [];
  const ways = recordable
    ? ['run again with --accept-new', scanned, ...pin]
    : [
        ...pin,
        'name a file in your ssh configuration: its UserKnownHostsFile names none that keeps anything, so --accept-new has nowhere to record it',
      ];
  return failure(
    'host-key-unknown',
    where,
    `The key of ${place(where)} is not known: it showed ${described(shown)}, and the connection was closed before any login; compare it with \`ssh-keygen -lf\` on the host's own /etc/ssh/ssh_host_*_key.pub, then ${oneOf(ways)}.${note}`,
  );
}

/** `a, b, or c`. */
const oneOf = (ways: readonly string[]): string =>
  ways.length === 1 ? ways[0]! : `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;

/** `shown` is absent where the host has only keys of other types. */
export function keyNotPinned(where: Where, shown: ShownKey | undefined, pinned: ShownKey): TransportError {
  return failure(
    'host-key-changed',
    where,
    `${place(where)} showed ${shown ? described(shown) : 'keys of other types'} instead of the key pinned as host_key in the inventory (${pinned.type}, ${pinned.fingerprint}); the connection was closed before any login. ${changedAdvice} change host_key.`,
  );
}

/** The host has none of the key types on file for it. */
export function keyTypesChanged(where: Where, types: readonly string[]): TransportError {
  return failure(
    'host-key-changed',
    where,
    `${place(where)} has no key of a type that is on file for it (${types.map((type) => printable(type)).join(', ')}); no login was made. ${changedAdvice} replace its lines in known_hosts${pinnable(where) ? ' or pin the key as host_key: in the inventory' : ''}.`,
  );
}

export function keyNotRecorded(
  where: Where,
  shown: ShownKey,
  file: string,
  why: string,
  cause?: unknown,
): TransportError {
  return failure(
    'host-key-unknown',
    where,
    `The key of ${place(where)} is not known (it showed ${described(shown)}), and it cannot be written to ${printable(file)} (${printable(why)}); the connection was closed. Make that file writable${pinnable(where) ? ', or pin the key as host_key: in the inventory' : ''}.`,
    cause,
  );
}

/** What `--accept-new` says of each key that it recorded. */
export function keyRecorded(where: Where, shown: ShownKey, file: string): string {
  return `${place(where)} was not known: its ${printable(shown.type)} key with fingerprint ${printable(shown.fingerprint)} is now in ${printable(file)}`;
}
