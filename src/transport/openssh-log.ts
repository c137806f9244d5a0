import { printable } from '../text/harmless.ts';
import {
  closedBeforeGreeting,
  connectFailure,
  connectionLost,
  failure,
  forwardFailure,
  loginCut,
  loginRejected,
  loginTimeout,
  message,
  moreThanAKey,
  noCommonAlgorithm,
  notSsh,
  place,
  silentBehind,
} from './errors.ts';
import { fingerprint, namesOnFile } from './host-key.ts';
import {
  keyChanged,
  keyNotPinned,
  keyRevoked,
  keyUnknown,
  revocationsUnreadable,
  type ShownKey,
} from './host-key-errors.ts';
import { type KnownHost, revokedLine } from './known-hosts.ts';
import { named, type Waypoint } from './route.ts';
import type { TransportError } from './transport.ts';

/** What `ssh -v` wrote about one host on the way. */
export interface SshLog {
  readonly waypoint: Waypoint;
  readonly log: string;
  /** What the known_hosts files had for it: ssh does not say which line revokes a key. */
  readonly known?: readonly KnownHost[];
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
  const failed = logs.findIndex(({ log }) => !loggedIn(log));
  const index = failed < 0 ? logs.length - 1 : failed;
  const { waypoint, log, known = [] } = logs[index]!;
  const { where, settings } = waypoint;
  const { seconds } = circumstances;
  const said = messages(log);
  const cause = new Error(said.at(-1) ?? 'ssh said nothing');
  const find = (pattern: RegExp) => said.map((row) => pattern.exec(row)).find((hit) => hit !== null);

  for (const hop of logs.slice(0, index)) {
    const cut = messages(hop.log).findLast((row) => LOST.test(row));
    if (cut !== undefined) return connectionLost(hop.waypoint.where, 'unsent', new Error(cut));
  }
  if (failed < 0) return connectionLost(where, 'unsent', cause);
  const before = index > 0 ? logs[index - 1]! : undefined;
  const forward = before && /^channel \d+: open failed: (.*)$/m.exec(before.log)?.[1];
  if (forward !== undefined) {
    return forwardFailure(where, /^administratively prohibited/.test(forward), new Error(forward));
  }

  if (find(/^ssh: Could not resolve hostname/)) {
    return connectFailure(where, Object.assign(cause, { code: 'ENOTFOUND' }), seconds);
  }
  const unconnected = find(/^ssh: connect to host .*: (.*)$/)?.[1];
  if (unconnected !== undefined) {
    const code = { 'Connection refused': 'ECONNREFUSED', 'Connection timed out': 'ETIMEDOUT' }[unconnected];
    return connectFailure(where, Object.assign(cause, { code: code ?? unconnected }), seconds);
  }
  const refused = keyFailure({ waypoint, log, known }, said, circumstances);
  if (refused) return refused;
  if (find(/^Unable to negotiate with .*: no matching /)) return noCommonAlgorithm(where, 'ssh', cause);
  const offered = [...log.matchAll(/^debug1: Offering public key: (.*?) (\S+) (SHA256:\S+)(.*)$/gm)];
  const keys = offered.map(([, label = '', kind = '', print = '']) =>
    printable(`${label}${/-CERT$/.test(kind) ? ' (certificate)' : ''}, ${print}`),
  );
  const more =
    /^Authenticated using "publickey" with partial success\.[\s\S]*?^debug1: Authentications that can continue: (.*)$/m.exec(
      log,
    )?.[1];
  if (more !== undefined)
    return moreThanAKey(where, settings.user, keys.at(-1) ?? 'the key', more.split(','), cause);
  if (find(DENIED)) {
    const unsigned =
      find(/^sign_and_send_pubkey: /)?.input ??
      unusedKey(log) ??
      (offered.length === 0 ? find(/^Load key |^pin required$/)?.input : undefined);
    if (unsigned !== undefined) {
      return failure(
        'key-unusable',
        where,
        `The key for ${place(where)} could not be used by ssh (${printable(unsigned)}). Unlock it, plug in and touch its device, or name another one as identity_file in the inventory.`,
        cause,
      );
    }
    if (offered.length === 0 && settings.withoutKeys !== undefined) {
      return failure(
        'key-unusable',
        where,
        `ssh offered no key to ${place(where)} as user ${printable(settings.user)}: your ssh configuration has ${printable(settings.withoutKeys)} for it, and harden gives no password. It was not tried again, because failed logins count for fail2ban. Let ssh use keys for this host there.`,
        cause,
      );
    }
    return loginRejected(where, settings.user, keys, cause);
  }
  const greeted = /^debug1: Remote protocol version/m.test(log);
  const proxied = /^debug1: Executing proxy command/m.test(log) && index === 0;
  if (proxied && !greeted) {
    const words = circumstances.said.trim() || message(cause);
    return failure(
      circumstances.late || find(/timed out/) ? 'timeout' : 'unreachable',
      where,
      `The ProxyCommand of your ssh configuration did not reach ${place(where)} (${printable(words)}). Try \`ssh\` to it by hand; no login was made.`,
      cause,
    );
  }
  // the ssh that waited for it was ended before it could say so
  if (/^debug1: Connecting to /m.test(log) && !/^debug1: Connection established/m.test(log)) {
    return connectFailure(where, Object.assign(cause, { code: 'ETIMEDOUT' }), seconds);
  }
  if (circumstances.late || find(/^(?!Received disconnect ).*timed out/)) {
    return before && !greeted
      ? silentBehind(where, before.waypoint.where, seconds, cause)
      : loginTimeout(where, 2 * seconds, cause);
  }
  if (
    find(
      /^(kex_exchange_identification|ssh_exchange_identification): .*(closed|reset)|^Connection (closed|reset)/,
    )
  ) {
    return /^debug1: SSH2_MSG_NEWKEYS received/m.test(log)
      ? loginCut(where, settings.user, { offered: offered.length > 0, banner: circumstances.said }, cause)
      : closedBeforeGreeting(where, cause);
  }
  return notSsh(where, cause);
}

/** No key was taken. What a host says as it hangs up is its own words, of which ssh's are one of few that matter. */
const DENIED =
  /^(?!Received disconnect )(.+@.+: )?Permission denied \(|^Received disconnect from .*:\d+: Too many authentication failures/;

/** The end of a connection that was logged in; not that ssh was ended, as it is for a jump host that is needed no more. */
const LOST =
  /^(Timeout, server .* not responding|Connection to .* closed by remote host|Connection (closed|reset) by |Read from remote host |client_loop: send disconnect: |Received disconnect from |ssh_dispatch_run_fatal: )/;

/** A key that the host would have taken and ssh then did not prove to have: without a terminal it asks for no passphrase, and says nothing. */
function unusedKey(log: string): string | undefined {
  const steps = log
    .split(/\r?\n/)
    .filter((row) =>
      /^debug1: (Server accepts key|Authentications that can continue|Offering|Trying|No more auth)/.test(
        row,
      ),
    );
  const answered = /^debug1: (Server accepts key|Authentications that can continue)/;
  const unused = steps.find(
    (step, index) =>
      step.startsWith(ACCEPTED) && steps[index + 1] !== undefined && !answered.test(steps[index + 1]!),
  );
  return (
    unused &&
    `it would be accepted, but ssh did not sign with ${unused.slice(ACCEPTED.length)}, which may have a passphrase`
  );
}
const ACCEPTED = 'debug1: Server accepts key: ';

function keyFailure(
  { waypoint: { where, settings }, log, known }: Required<SshLog>,
  said: readonly string[],
  { pinned }: Circumstances,
): TransportError | undefined {
  const shown = shownKey(log);
  const text = said.join('\n');
  const isPinned = pinned !== undefined && where.hop === undefined;
  const list = /^Host key .* revoked by file (.*)$/m.exec(text)?.[1];
  if (list !== undefined || /^@ +WARNING: REVOKED HOST KEY|^The .* is marked as revoked/m.test(text)) {
    const line = revokedLine(
      known,
      namesOnFile(named(settings)),
      ({ key }) => fingerprint(key) === shown.fingerprint,
    );
    return keyRevoked(where, shown, list ?? (line ? `${line.file}:${line.line}` : 'known_hosts'));
  }
  const [, unread, why] = /^Error checking host key .* in revoked keys file (.*): (.*)$/m.exec(text) ?? [];
  if (unread !== undefined && why !== undefined) return revocationsUnreadable(where, shown, unread, why);
  if (
    /^@ +WARNING: .*HOST IDENTIFICATION HAS CHANGED|^Warning: the .* host key for .* differs from /m.test(
      text,
    )
  ) {
    if (isPinned) return keyNotPinned(where, shown, pinned);
    const at = /^Offending .* in (.*:\d+)$/m.exec(text)?.[1] ?? 'known_hosts';
    return keyChanged(where, shown, at);
  }
  const certificate = /^Certificate .*/m.exec(text)?.[0];
  if (/^Host key verification failed|^No .* host key is known for /m.test(text)) {
    if (isPinned) return keyNotPinned(where, shown, pinned);
    return keyUnknown(
      where,
      shown,
      { recordable: settings.newKeysFile !== undefined, alias: settings.hostKeyAlias },
      certificate && ` (ssh said of its certificate: ${printable(certificate)}.)`,
    );
  }
  return undefined;
}
