import { KINDS, type Kind } from './kinds.ts';

/** Where the file system of a host comes from. */
type Origin =
  /** A suite of Debian, from the mirror of this machine. */
  | { readonly suite: string }
  /** An image that the engine has, or can pull. */
  | { readonly image: string };

interface Host {
  readonly release: string;
  readonly origin: Origin;
  /** What fail2ban bans with, as the distribution ships it. */
  readonly bans: 'iptables' | 'nftables';
}

/** The distributions that hosts can have. */
export const DISTRIBUTIONS = {
  debian11: { release: '11', origin: { suite: 'bullseye' }, bans: 'iptables' },
  debian12: { release: '12', origin: { suite: 'bookworm' }, bans: 'iptables' },
  debian13: { release: '13', origin: { suite: 'trixie' }, bans: 'nftables' },
  ubuntu2204: { release: '22.04', origin: { image: 'ubuntu:22.04' }, bans: 'iptables' },
  ubuntu2404: { release: '24.04', origin: { image: 'ubuntu:24.04' }, bans: 'nftables' },
} as const satisfies Readonly<Record<string, Host>>;

export type Distribution = keyof typeof DISTRIBUTIONS;

/** All host tests run on this one. */
export const REFERENCE = 'debian12' satisfies Distribution;

/** The test files that run on every other distribution as well, each with what differs there. */
export const EVERYWHERE: Readonly<Record<string, string>> = {
  converge: 'packages, units and back ends of a fresh host, and its boot',
  blocked: 'the words of each version of fail2ban for what it cannot read; nftables bans on Debian 13',
  drift: 'what the versions of fail2ban and of the firewall tell of themselves; nftables bans on Debian 13',
  removal: 'what apt and dpkg note of an installation, and what each release brings with fail2ban',
  guard: 'how iptables and nft save and restore rules',
  'guard-door': 'sshd, sudo and PAM',
  'guard-fail2ban': 'how each version of fail2ban starts, bans and reads its files again',
  attack: 'whom the bans and limits of each kernel table keep out',
  'guard-restart': 'the order in which each systemd boots',
  refusals: 'the words of sshd, sudo and PAM',
};

/** The long run leaves nothing out. */
export const isLong = process.env.HARDEN_LONG === '1';

/** Kinds of hosts that the tests of a distribution begin with. */
export const kindsOf = (distribution: Distribution): readonly Kind[] =>
  isLong || distribution === REFERENCE ? KINDS : KINDS.filter((kind) => kind !== 'log4j2');

/** The distribution whose tests run: a vitest project sets it. */
export function testedDistribution(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Distribution {
  const name = env.HARDEN_TEST_DISTRIBUTION ?? REFERENCE;
  if (!Object.hasOwn(DISTRIBUTIONS, name)) throw new Error(`There is no distribution "${name}" to test on.`);
  return name as Distribution;
}
