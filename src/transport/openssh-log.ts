import { printable } from '../text/harmless.ts';
import {
  closedBeforeGreeting,
  connectFailure,
  failure,
  forwardFailure,
  loginRejected,
  loginTimeout,
  message,
  noCommonAlgorithm,
  notSsh,
  place,
} from './errors.ts';
import { keyChanged, keyNotPinned, keyRevoked, keyUnknown, type ShownKey } from './host-key-errors.ts';
import type { Waypoint } from './route.ts';
import type { TransportError } from './transport.ts';

/** What `ssh -v` wrote about one host on the way. */
export interface SshLog {
  readonly waypoint: Waypoint;
  readonly log: string;
}

/** What is known of a login that failed besides the logs. */
export interface Circumstances {
  /** What the programs that ssh started said, such as a ProxyCommand. */
  readonly said: string;
  readonly seconds: number;
  /** Whether the time was up, rather than ssh having ended. */
  readonly late: boolean;
  /** The inventory's host_key, which the target has to show. */
  readonly pinned?: ShownKey | undefined;
}

export const loggedIn = (log: string) => /^Authenticated to /m.test(log);

/** The key that the host showed, with or without a certificate: its fingerprint is the same. */
export function shownKey(log: string): ShownKey {
  const [, type = 'unknown', fingerprint = 'unknown'] =
    /^debug1: Server host (?:key|certificate): (\S+) (SHA256:[^\s,]+)/m.exec(log) ?? [];
  return { type: type.replace(/-cert-v\d+@openssh\.com$/, ''), fingerprint };
}

/** The messages that are for people: all but debugging. */
export function messages(log: string): string[] {
  return log
    .split(/\r?\n/)
    .filter(
      (row) =>
        row.trim() !== '' && !/^(debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per)/.test(row),
    );
}

/** Why no login came about: the first host on the way that was not logged in to, in the words that the built-in client has. */
export function loginFailure(logs: readonly SshLog[], circumstances: Circumstances): TransportError {
  const index = Math.max(
    0,
    logs.findIndex(({ log }) => !loggedIn(log)),
  );
  const { waypoint, log } = logs[index]!;
  const { where, settings } = waypoint;
  const { seconds } = circumstances;
  const said = messages(log);
  const cause = new Error(said.at(-1) ?? 'ssh said nothing');
  const find = (pattern: RegExp) => said.map((row) => pattern.exec(row)).find((hit) => hit !== null);

  const before = index > 0 ? logs[index - 1] : undefined;
  const closed = before && messages(before.log).map((row) => /open failed: (.*)/.exec(row)?.[1]);
  const forward = closed?.find((one) => one !== undefined);
  if (forward !== undefined) return forwardFailure(where, /prohibited/.test(forward), new Error(forward));

  if (find(/^ssh: Could not resolve hostname/)) {
    return connectFailure(where, Object.assign(cause, { code: 'ENOTFOUND' }), seconds);
  }
  const unconnected = find(/^ssh: connect to host .*: (.*)$/)?.[1];
  if (unconnected !== undefined) {
    const code = { 'Connection refused': 'ECONNREFUSED', 'Connection timed out': 'ETIMEDOUT' }[unconnected];
    return connectFailure(where, Object.assign(cause, { code: code ?? unconnected }), seconds);
  }
  const refused = keyFailure(waypoint, log, said, circumstances);
  if (refused) return refused;
  if (find(/no matching/i)) return noCommonAlgorithm(where, cause);
  const offered = [...log.matchAll(/^debug1: Offering public key: (.*?) (\S+) (SHA256:\S+)(.*)$/gm)];
  const unsigned = find(
    /signing failed for (.*)|agent refused operation|^Load key (.*): |device not found|incorrect passphrase/i,
  );
  if (find(/Permission denied \(|Too many authentication failures/)) {
    if (unsigned && (offered.length === 0 || /sign/.test(unsigned[0]))) {
      return failure(
        'key-unusable',
        where,
        `The key for ${place(where)} could not be used by ssh (${printable(unsigned.input)}). Unlock it, plug in and touch its device, or name another one as identity_file in the inventory.`,
        cause,
      );
    }
    const keys = offered.map(([, label = '', kind = '', print = '']) =>
      printable(`${label}${/-CERT$/.test(kind) ? ' (certificate)' : ''}, ${print}`),
    );
    return loginRejected(where, settings.user, keys, cause);
  }
  const proxied = /^debug1: Executing proxy command/m.test(log) && index === 0;
  if (proxied && !/^debug1: Remote protocol version/m.test(log)) {
    const words = circumstances.said.trim() || message(cause);
    return failure(
      circumstances.late || find(/timed out/) ? 'timeout' : 'unreachable',
      where,
      `The ProxyCommand of your ssh configuration did not reach ${place(where)} (${printable(words)}). Try \`ssh\` to it by hand; no login was made.`,
      cause,
    );
  }
  if (circumstances.late || find(/timed out/i)) return loginTimeout(where, 2 * seconds, cause);
  if (
    find(
      /^(kex_exchange_identification|ssh_exchange_identification|banner exchange|Connection (closed|reset))/,
    )
  ) {
    return find(/invalid|Bad (remote )?protocol/i)
      ? notSsh(where, cause)
      : closedBeforeGreeting(where, cause);
  }
  return notSsh(where, cause);
}

function keyFailure(
  { where }: Waypoint,
  log: string,
  said: readonly string[],
  { pinned }: Circumstances,
): TransportError | undefined {
  const shown = shownKey(log);
  const text = said.join('\n');
  const isPinned = pinned !== undefined && where.hop === undefined;
  const list = /revoked by file (.*)/.exec(text)?.[1];
  if (list !== undefined || /REVOKED HOST KEY|is marked as revoked/.test(text)) {
    return keyRevoked(where, shown, list ?? 'known_hosts');
  }
  if (/IDENTIFICATION HAS CHANGED|no matching host key|HOST KEY .*DIFFER/i.test(text)) {
    if (isPinned) return keyNotPinned(where, /no matching/i.test(text) ? undefined : shown, pinned);
    const at = /^Offending .* in (.*:\d+)$/m.exec(text)?.[1] ?? 'known_hosts';
    return keyChanged(where, shown, at);
  }
  const certificate = /^Certificate invalid: .*|^.*[Cc]ertificate .*(?:expired|not yet valid).*/m.exec(
    text,
  )?.[0];
  if (/Host key verification failed|host key is known for/.test(text)) {
    if (isPinned) return keyNotPinned(where, shown, pinned);
    return keyUnknown(
      where,
      shown,
      certificate && ` (ssh said of its certificate: ${printable(certificate)}.)`,
    );
  }
  return undefined;
}
