import { parseNetwork } from '../common/network.ts';
import { seconds } from './duration.ts';
import { escapeValue, literalValue } from './ini-section.ts';
import type { JailParams } from './schema.ts';

/** A setting that a section must have. */
export interface WantedSetting {
  readonly key: string;
  /** As it is written into the file. */
  readonly text: string;
  /** Does the text of a file mean the same? (`2h` is `120m`.) */
  same(text: string): boolean;
  /** Why it is wanted, where no parameter says so. */
  readonly why?: string;
}

/** What the host's own files say of a jail that names neither a log nor a back end. */
export interface Surroundings {
  /** `ignoreip` of the host's `[DEFAULT]`, as written. */
  readonly defaultIgnoreip: string | undefined;
  /** The `ignoreip` that counts for the jail, as written. */
  readonly ignoreip?: string | undefined;
  /** The ports of sshd, where the jail is about them; empty if they are not known. */
  readonly sshPorts?: readonly number[];
  /** The jail's `port` in the host's files, as written. */
  readonly port?: string | undefined;
  /** Why the jail would see nothing in auth.log, which it would read because nothing sets a back end. */
  readonly unwritten?: string | undefined;
}

const LOOPBACK = ['127.0.0.1/8', '::1'];

/** Every key that a task may set in a section. */
export const JAIL_KEYS: readonly string[] = [
  'enabled',
  'filter',
  'backend',
  'journalmatch',
  'logpath',
  'port',
  'bantime',
  'findtime',
  'maxretry',
  'ignoreip',
];

/** The settings that a jail's section must have, in the order in which a new section gets them. */
export function wantedSettings(params: JailParams, host: Surroundings): WantedSetting[] {
  const { enabled = true, filter, logpath, port, backend, journalmatch, trusted = [] } = params;
  const plain = (key: string, value: string | undefined, words = collapse): WantedSetting[] =>
    value === undefined
      ? []
      : [{ key, text: escapeValue(value), same: (text) => words(literalValue(text)) === words(value) }];
  const duration = (key: 'bantime' | 'findtime'): WantedSetting => ({
    key,
    text: String(params[key]),
    same: (text) => seconds(text) === seconds(params[key]),
  });
  return [
    { key: 'enabled', text: String(enabled), same: (text) => isTrue(text) === enabled },
    ...plain('filter', filter),
    ...(host.unwritten === undefined ? plain('backend', backend) : [journal(host.unwritten)]),
    ...plain('journalmatch', journalmatch),
    ...plain('logpath', logpath),
    ...(port === undefined ? portOfSshd(host) : plain('port', port, ports)),
    duration('bantime'),
    duration('findtime'),
    { key: 'maxretry', text: String(params.maxretry), same: (text) => text === String(params.maxretry) },
    ...(trusted.length > 0 ? [ignoreip(trusted, host.defaultIgnoreip)] : []),
  ];
}

/** A ban of sshd's jail has to close every port that sshd listens on; the distribution's `ssh` is 22. */
function portOfSshd({ sshPorts = [], port = 'ssh' }: Surroundings): WantedSetting[] {
  if (sshPorts.length === 0 || closes(port, sshPorts)) return [];
  const text = sshPorts.join(',');
  const why = `a ban closes ${port}, but sshd listens on ${text}: port = ${text}`;
  return [{ key: 'port', text, same: (other) => closes(other, sshPorts), why }];
}

/** Does a list of ports (`ssh,2222`, `0:65535`) hold all of these? What cannot be read holds none. */
export function closes(list: string, wanted: readonly number[]): boolean {
  const ranges = list.split(',').map((part): [number, number] => {
    const [first = NaN, last = first] = part
      .trim()
      .split(':')
      .map((text) => (text === 'ssh' ? 22 : Number(text || NaN)));
    return [first, last];
  });
  return wanted.every((port) => ranges.some(([first, last]) => port >= first && port <= last));
}

const journal = (why: string): WantedSetting => ({
  key: 'backend',
  text: 'systemd',
  same: (text) => text === 'systemd',
  why: `${why}, so the jail has to read the journal: backend = systemd`,
});

const collapse = (text: string | undefined): string | undefined => text?.replace(/\s+/g, ' ').trim();

/** `smtp, 465` and `smtp,465` are one list. */
export const ports = (text: string | undefined): string | undefined => text?.replace(/\s*,\s*/g, ',').trim();

const isTrue = (text: string): boolean => /^(1|yes|true|on)$/i.test(text);

/** `ignoreip` and its like: blanks, line ends and commas separate. */
export const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

/** One spelling of an address or network, or the word itself. */
export const canonicalAddress = (word: string): string => parseNetwork(word)?.text ?? word;

const addresses = (text: string): string =>
  [...new Set(wordsOf(text).map(canonicalAddress))].sort().join(' ');

/**
 * A section's `ignoreip` replaces the one of [DEFAULT]. That one is copied, because a reference to it would keep
 * fail2ban from starting once it is gone; only what itself refers to other values has to be referred to.
 */
function ignoreip(trusted: readonly string[], byDefault = ''): WantedSetting {
  const literal = literalValue(byDefault);
  const inherited = literal === undefined ? ['%(default/ignoreip)s'] : wordsOf(literal);
  const seen = new Set<string>();
  const text = [...LOOPBACK, ...trusted, ...inherited]
    .filter((word) => !seen.has(canonicalAddress(word)) && seen.add(canonicalAddress(word)))
    .join(' ');
  return { key: 'ignoreip', text, same: (other) => addresses(other) === addresses(text) };
}
