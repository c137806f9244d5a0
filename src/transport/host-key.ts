import { createHash } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { printable } from '../text/harmless.ts';
import { failure, message, place, type Where } from './errors.ts';
import {
  keyChanged,
  keyNotPinned,
  keyNotRecorded,
  keyRecorded,
  keyRevoked,
  keyTypesChanged,
  keyUnknown,
  pinRevoked,
  type ShownKey,
} from './host-key-errors.ts';
import {
  judgeKey,
  type KnownHost,
  keyType,
  knownHostName,
  knownKeyTypes,
  revokedLine,
} from './known-hosts.ts';
import { appendKey } from './new-key.ts';
import type { TransportError } from './transport.ts';
import { turns } from './turns.ts';

/** Which host keys are accepted, and which kinds are asked for. */
export interface HostKeyPolicy {
  /** Offered in this order. Only kinds on file, so that a known host does not look unknown. */
  readonly algorithms: readonly ServerHostKeyAlgorithm[];
  /** Undefined if the key is trusted, else why it is refused. */
  refuse(key: Buffer): TransportError | undefined;
  /** Why a host that has no key of the offered kinds is refused. */
  noneOffered(): TransportError;
  /** Keeps a new key, once the host has proven that it is its own; why it may not log in if that fails. */
  keep?(key: Buffer): Promise<TransportError | undefined>;
}

/** What takes keys of hosts that no file knows. */
export interface NewKeys {
  /** The known_hosts file that gets them. */
  readonly file: string;
  /** What the files have now: another host of this run may have written to them. */
  readonly known: () => Promise<readonly KnownHost[]>;
  /** Called with a sentence for people about each key that was recorded. */
  readonly told: (sentence: string) => void;
}

// ssh-rsa is absent: as a signature algorithm it means SHA-1.
const byKeyType: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** The SHA256 fingerprint as `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function algorithms(types: readonly string[]): ServerHostKeyAlgorithm[] {
  const wanted = types.flatMap((type) => byKeyType[type] ?? []);
  return wanted.length > 0 ? wanted : Object.values(byKeyType).flat();
}

const shownKey = (key: Buffer): ShownKey => ({
  type: keyType(key) ?? 'unknown',
  fingerprint: fingerprint(key),
});

/** Exactly one key, as the inventory gives it (`ssh-ed25519 AAAA…`); known_hosts has a say only where it marks it as revoked. */
export function pinnedKey(
  pin: string,
  known: readonly KnownHost[],
  named: Named,
  where: Where,
): HostKeyPolicy & { readonly pinned: ShownKey } {
  const [type = '', encoded = ''] = pin.trim().split(/\s+/);
  const wanted = Buffer.from(encoded, 'base64');
  if (keyType(wanted) !== type || byKeyType[type] === undefined) {
    throw failure(
      'host-key-unknown',
      where,
      `host_key of ${place(where)} in the inventory is not a public key that can be used (“${printable(pin, 60)}”): write the type and the base64 text as in /etc/ssh/ssh_host_ed25519_key.pub. No connection was made.`,
    );
  }
  const pinned = shownKey(wanted);
  const revoked = revokedLine(known, namesOnFile(named), ({ key }) => key.equals(wanted));
  if (revoked) throw pinRevoked(where, pinned, `${revoked.file}:${revoked.line}`);
  return {
    pinned,
    algorithms: algorithms([type]),
    refuse: (key) => (key.equals(wanted) ? undefined : keyNotPinned(where, shownKey(key), pinned)),
    noneOffered: () => keyNotPinned(where, undefined, pinned),
  };
}

/** How a host is looked up. `alias` is ssh's HostKeyAlias: looked up as it is, without a port. */
export interface Named {
  readonly host: string;
  readonly port: number;
  readonly alias?: string | undefined;
}

/** The names that lines for a host may have, the first being its own. */
export function namesOnFile({ host, port, alias }: Named): string[] {
  return alias === undefined
    ? [...new Set([knownHostName(host, port), host.toLowerCase()])]
    : [alias.toLowerCase()];
}

/** Keys on file. `recordable`: there is a file for further ones. */
export function knownKeys(
  known: readonly KnownHost[],
  named: Named,
  where: Where,
  recordable = true,
): HostKeyPolicy {
  const names = namesOnFile(named);
  return {
    algorithms: algorithms(knownKeyTypes(known, names)),
    refuse(key) {
      const verdict = judgeKey(known, names, key);
      switch (verdict.state) {
        case 'trusted':
          return undefined;
        case 'revoked':
          return keyRevoked(where, shownKey(key), `${verdict.file}:${verdict.line}`);
        case 'changed':
          return keyChanged(where, shownKey(key), `${verdict.file}:${verdict.line}`);
        case 'unknown':
          return keyUnknown(where, shownKey(key), { recordable, alias: named.alias });
      }
    },
    noneOffered: () => keyTypesChanged(where, knownKeyTypes(known, names)),
  };
}

/** Keys on file, and the first one that an unknown host shows, which is written down before any login. */
export function knownOrNewKeys(
  known: readonly KnownHost[],
  named: Named,
  where: Where,
  newKeys: NewKeys,
): HostKeyPolicy {
  const policy = knownKeys(known, named, where);
  const unlessNew = (refusal: TransportError | undefined) =>
    refusal?.reason === 'host-key-unknown' ? undefined : refusal;
  return {
    ...policy,
    refuse: (key) => unlessNew(policy.refuse(key)),
    keep: (key) =>
      inTurn(async () => {
        try {
          const refusal = knownKeys(await newKeys.known(), named, where).refuse(key);
          if (refusal?.reason !== 'host-key-unknown') return refusal;
          await appendKey(newKeys.file, namesOnFile(named)[0]!, key);
          newKeys.told(keyRecorded(where, shownKey(key), newKeys.file));
          return undefined;
        } catch (error) {
          return keyNotRecorded(where, shownKey(key), newKeys.file, message(error), error);
        }
      }),
  };
}

/** Hosts of one run that share a jump host write its key once. Not at the terminal's turn: a login does not wait for a person. */
const inTurn = turns();
