import { createHash } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { printable } from '../text/harmless.ts';
import { failure, message, place, type Where } from './errors.ts';
import { judgeKey, type KnownHost, keyType, knownHostName, knownKeyTypes } from './known-hosts.ts';
import { appendKey } from './new-key.ts';
import type { TransportError } from './transport.ts';

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

const changedAdvice =
  'Either the host was installed anew or somebody answers in its place. Ask whoever runs it; only if the new key is right,';

/** Exactly one key, as the inventory gives it (`ssh-ed25519 AAAA…`); known_hosts is not consulted. */
export function pinnedKey(pin: string, where: Where): HostKeyPolicy {
  const [type = '', encoded = ''] = pin.trim().split(/\s+/);
  const wanted = Buffer.from(encoded, 'base64');
  if (keyType(wanted) !== type || byKeyType[type] === undefined) {
    throw failure(
      'host-key-unknown',
      where,
      `host_key of ${place(where)} in the inventory is not a public key that can be used (“${printable(pin, 60)}”): write the type and the base64 text as in /etc/ssh/ssh_host_ed25519_key.pub. No connection was made.`,
    );
  }
  const refused = (shown: string) =>
    failure(
      'host-key-changed',
      where,
      `${place(where)} showed ${shown} instead of the key pinned as host_key in the inventory (${type}, ${fingerprint(wanted)}); the connection was closed before any login. ${changedAdvice} change host_key.`,
    );
  return {
    algorithms: algorithms([type]),
    refuse: (key) =>
      key.equals(wanted) ? undefined : refused(`a ${keyType(key)} key with fingerprint ${fingerprint(key)}`),
    noneOffered: () => refused('keys of other types'),
  };
}

/** How a host is looked up. `alias` is ssh's HostKeyAlias: looked up as it is, without a port. */
export interface Named {
  readonly host: string;
  readonly port: number;
  readonly alias?: string | undefined;
}

/** Keys on file. */
export function knownKeys(known: readonly KnownHost[], named: Named, where: Where): HostKeyPolicy {
  const { host, port, alias } = named;
  const bare = host.toLowerCase();
  const names = alias === undefined ? [...new Set([knownHostName(host, port), bare])] : [alias.toLowerCase()];
  const at = place(where);
  return {
    algorithms: algorithms(knownKeyTypes(known, names)),
    refuse(key) {
      const shown = `${printable(keyType(key) ?? 'unknown')} key with fingerprint ${fingerprint(key)}`;
      const verdict = judgeKey(known, names, key);
      switch (verdict.state) {
        case 'trusted':
          return undefined;
        case 'revoked':
          return failure(
            'host-key-revoked',
            where,
            `${at} showed a ${shown}, which ${printable(verdict.file)}:${verdict.line} marks as revoked; the connection was closed before any login. Do not use this host until whoever runs it has given it a new key.`,
          );
        case 'changed':
          return failure(
            'host-key-changed',
            where,
            `${at} showed a ${shown}, but ${printable(verdict.file)}:${verdict.line} has another key for it; the connection was closed before any login. ${changedAdvice} replace that line.`,
          );
        case 'unknown': {
          const authority = verdict.authority
            ? ` (The certificate authority in ${printable(verdict.authority.file)}:${verdict.authority.line} does not help: host certificates are not supported.)`
            : '';
          return failure(
            'host-key-unknown',
            where,
            `The key of ${at} is not known: it showed a ${shown}, and the connection was closed before any login; compare it with \`ssh-keygen -lf\` on the host's own /etc/ssh/ssh_host_*_key.pub, then run again with --accept-new, add what \`ssh-keyscan\` prints to known_hosts, or pin it as host_key: in the inventory.${authority}`,
          );
        }
      }
    },
    noneOffered: () =>
      failure(
        'host-key-changed',
        where,
        `${at} has no key of a type that is on file for it (${knownKeyTypes(known, names)
          .map((type) => printable(type))
          .join(
            ', ',
          )}); no login was made. ${changedAdvice} replace its lines in known_hosts or pin the key as host_key: in the inventory.`,
      ),
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
          const name = named.alias?.toLowerCase() ?? knownHostName(named.host, named.port);
          await appendKey(newKeys.file, name, key);
          newKeys.told(
            `${place(where)} was not known: its ${keyType(key)} key with fingerprint ${fingerprint(key)} is now in ${printable(newKeys.file)}`,
          );
          return undefined;
        } catch (error) {
          return failure(
            'host-key-unknown',
            where,
            `The key of ${place(where)} is not known, and it cannot be written to ${printable(newKeys.file)} (${printable(message(error))}); the connection was closed before any login. Make that file writable, or pin the key as host_key: in the inventory (${keyType(key)}, ${fingerprint(key)}).`,
            error,
          );
        }
      }),
  };
}

/** Hosts of one run that share a jump host write its key once. */
let turn: Promise<unknown> = Promise.resolve();
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const mine = turn.then(act);
  turn = mine;
  return mine;
}
