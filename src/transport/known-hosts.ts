import { createHmac } from 'node:crypto';
import { glob } from '../text/glob.ts';

/** One usable line of a known_hosts file. */
export interface KnownHost {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** The first field as it stands: patterns, or one hashed name. */
  readonly hosts: string;
  readonly type: string;
  readonly key: Buffer;
}

/** What the files say about a key that a host showed. */
export type KeyVerdict =
  | { readonly state: 'trusted' }
  | { readonly state: 'unknown' }
  | { readonly state: 'changed'; readonly file: string; readonly line: number }
  | { readonly state: 'revoked'; readonly file: string; readonly line: number };

/** Lines that are not well-formed are skipped, as ssh does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((row, index) => {
    const fields = row.trim().split(/[ \t]+/);
    if (fields[0] === '' || fields[0]?.startsWith('#')) return [];
    const marker = fields[0]?.startsWith('@') ? fields.shift()?.slice(1) : 'none';
    if (marker !== 'none' && marker !== 'revoked' && marker !== 'cert-authority') return [];
    const [hosts, type, encoded] = fields;
    if (hosts === undefined || type === undefined || encoded === undefined) return [];
    const key = Buffer.from(encoded, 'base64');
    if (keyType(key) !== type) return [];
    return [{ file, line: index + 1, marker, hosts, type, key }];
  });
}

/** The type that a public key blob names itself (RFC 4253, 6.6), or undefined. */
export function keyType(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? undefined : key.toString('latin1', 4, 4 + length);
}

/** How known_hosts names a host: the bare name on port 22, else `[name]:port`. */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/**
 * Judges a key by all lines for any of `names`: revoked before trusted before changed. A name after the first counts
 * only if its key is the same (ssh reads the bare name's line for a host on another port so).
 */
export function judgeKey(known: readonly KnownHost[], names: readonly string[], key: Buffer): KeyVerdict {
  const [first = ''] = names;
  const own = known.filter((line) => matches(line.hosts, first));
  const all = linesOf(known, names);
  const same = (line: KnownHost) => line.key.equals(key);

  const revoked = revokedLine(known, names, same);
  if (revoked) return { state: 'revoked', file: revoked.file, line: revoked.line };
  if (all.some((line) => line.marker === 'none' && same(line))) return { state: 'trusted' };
  const changed = own.find((line) => line.marker === 'none');
  if (changed) return { state: 'changed', file: changed.file, line: changed.line };
  return { state: 'unknown' };
}

/** The line that marks a key of a host as revoked. */
export function revokedLine(
  known: readonly KnownHost[],
  names: readonly string[],
  same: (line: KnownHost) => boolean,
): KnownHost | undefined {
  return linesOf(known, names).find((line) => line.marker === 'revoked' && same(line));
}

/** Whether an authority may vouch for a host, whatever keys are on file for it besides. */
export function hasAuthority(known: readonly KnownHost[], names: readonly string[]): boolean {
  return linesOf(known, names).some((line) => line.marker === 'cert-authority');
}

/** The types of the keys on file for a host, in order of appearance: what to ask it for. */
export function knownKeyTypes(known: readonly KnownHost[], names: readonly string[]): string[] {
  const lines = linesOf(known, names).filter((line) => line.marker === 'none');
  return [...new Set(lines.map((line) => line.type))];
}

const linesOf = (known: readonly KnownHost[], names: readonly string[]) =>
  known.filter((line) => names.some((name) => matches(line.hosts, name)));

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHash(hosts, name);
  let found = false;
  for (const part of hosts.toLowerCase().split(',')) {
    const negated = part.startsWith('!');
    if (!glob(negated ? part.slice(1) : part, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
function matchesHash(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}
