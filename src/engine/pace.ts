import type { SessionLimit } from '../tasks/iptables/sessions.ts';
import { printable } from '../text/harmless.ts';

/**
 * How a run keeps below the limit that it has put on the host itself. Pure; times are milliseconds since the epoch.
 * The kernel records every new connection, and drops one that finds `hitcount` records within the seconds; a dropped one
 * is recorded as well, so whoever keeps trying stays shut out.
 */

/** What this machine remembers of one way to one host. */
export interface Memory {
  /** When connections were opened, ascending. */
  readonly opened: readonly number[];
  /** When the last try that nobody answered was given up. */
  readonly unanswered?: number | undefined;
  /** What the host limited when it was last looked at; absent if it never was from here. */
  readonly looked?: { readonly at: number; readonly limits: readonly SessionLimit[] };
  /** What the playbook limited there when it was last the host to be reached: who passes it on the way elsewhere may not know. */
  readonly declared?: readonly SessionLimit[];
}

/** What a file says of it; nothing if it says anything else. */
export function memoryOf(value: unknown): Memory {
  const { opened, unanswered, looked, declared } = Object(value) as { [key in keyof Memory]: unknown };
  const { at, limits } = Object(looked) as Record<string, unknown>;
  const isLimit = (one: unknown): one is SessionLimit => {
    const { seconds, sessions } = Object(one) as Record<string, unknown>;
    return isCount(seconds) && isCount(sessions);
  };
  return {
    opened: Array.isArray(opened) ? opened.filter(isCount).sort((one, other) => one - other) : [],
    ...(isCount(unanswered) ? { unanswered } : {}),
    ...(isCount(at) && Array.isArray(limits) && limits.every(isLimit) ? { looked: { at, limits } } : {}),
    ...(Array.isArray(declared) && declared.every(isLimit) ? { declared } : {}),
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** No limit counts over more: the longest that a playbook may set, and the most that a kernel remembers. */
const LONGEST = 86_400_000;
const MOST = 255;

/** A connection may take a second longer to arrive than the one before it; the last millisecond of a window counts as well. */
const MARGIN = 1001;

/** What of it can still matter. A clock that was put back must not let anyone wait for longer than a limit counts. */
export function current({ opened, unanswered, looked, declared }: Memory, now: number): Memory {
  const live = (time: number) => time > now - LONGEST - MARGIN;
  return {
    opened: opened
      .map((time) => Math.min(time, now))
      .filter(live)
      .slice(-MOST),
    ...(unanswered !== undefined && live(unanswered) ? { unanswered: Math.min(unanswered, now) } : {}),
    ...(looked ? { looked } : {}),
    ...(declared ? { declared } : {}),
  };
}

/** How long to wait, and because of what. */
export interface Wait {
  readonly ms: number;
  readonly limit: SessionLimit;
  /** The last try was dropped: only silence opens the door again. */
  readonly silence: boolean;
  /** Nobody has looked from here yet: the playbook says so. */
  readonly assumed: boolean;
}

/**
 * How long until so many connections pass; undefined if they do now. `assumed` is what counts where nobody has looked
 * from here yet.
 */
export function waitFor(
  { opened, unanswered, looked }: Memory,
  assumed: readonly SessionLimit[],
  now: number,
  connections: number,
): Wait | undefined {
  const waits = (looked?.limits ?? assumed).flatMap((limit): Wait[] => {
    const window = limit.seconds * 1000 + MARGIN;
    const until: Wait[] = [];
    const within = opened.filter((time) => time > now - window);
    const tooMany = within.length + Math.min(connections, limit.sessions) - limit.sessions;
    const because = { limit, assumed: looked === undefined };
    if (tooMany > 0) until.push({ ms: within[tooMany - 1]! + window - now, ...because, silence: false });
    if (unanswered !== undefined) until.push({ ms: unanswered + window - now, ...because, silence: true });
    return until;
  });
  return waits.filter(({ ms }) => ms > 0).sort((one, other) => other.ms - one.ms)[0];
}

export const opening = (memory: Memory, now: number, connections: number): Memory => ({
  ...memory,
  opened: [...memory.opened, ...Array<number>(connections).fill(now)],
});

/** Without a connection that was reckoned with and not made, or made at another time. */
export function without(memory: Memory, reserved: number): Memory {
  const at = memory.opened.lastIndexOf(reserved);
  return at < 0 ? memory : { ...memory, opened: memory.opened.toSpliced(at, 1) };
}

export function afterLook(memory: Memory, limits: readonly SessionLimit[], now: number): Memory {
  const before = memory.looked;
  // a limit that was not there yet has not counted what came before
  const uncounted = before?.limits.length === 0 && limits.length > 0 ? before.at : 0;
  return {
    ...memory,
    opened: memory.opened.filter((time) => time >= uncounted),
    looked: { at: now, limits },
  };
}

const NUMBERS = 'no one two three four five six seven eight nine ten eleven twelve'.split(' ');
const PERIODS = new Map([
  [1, 'a second'],
  [60, 'a minute'],
  [3600, 'an hour'],
  [86_400, 'a day'],
]);

/** `five SSH sessions a minute`. */
function inWords({ sessions, seconds }: SessionLimit): string {
  const many = sessions === 1 ? 'session' : 'sessions';
  return `${NUMBERS[sessions] ?? sessions} SSH ${many} ${PERIODS.get(seconds) ?? `in ${seconds} s`}`;
}

const subject = (hop: string | undefined) =>
  hop === undefined ? 'this host' : `the jump host ${printable(hop)}`;

/** `waiting 23 s: this host admits five SSH sessions a minute`. */
export function sentence({ ms, limit, silence, assumed }: Wait, hop: string | undefined): string {
  const admits = assumed
    ? `by the playbook ${subject(hop)} may admit but ${inWords(limit)} already`
    : `${subject(hop)} admits ${inWords(limit)}`;
  const why = silence
    ? `the last try was not answered; ${admits}, and after one too many none until that time has passed without a try`
    : admits;
  return `waiting ${Math.ceil(ms / 1000)} s: ${why}`;
}

/**
 * What is to be known after a try that was not answered, which a limit may have dropped: another one makes that worse. `limits` is what
 * is known of the host, undefined if nothing is.
 */
export function afterSilence(limits: readonly SessionLimit[] | undefined, hop: string | undefined): string {
  if (limits?.length === 0) return '';
  const [slowest] = (limits ?? []).toSorted((one, other) => other.seconds - one.seconds);
  const known = slowest
    ? ` For all that is known here ${subject(hop)} admits ${inWords(slowest)}: the next run waits by itself until that time has passed without a try.`
    : '';
  return `A connection limit (DDOS-SSH) may be dropping this address: every further try restarts the time that it counts, so it is better to wait a minute than to retry.${known}`;
}
