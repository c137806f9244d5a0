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

/** The distribution whose tests run: a vitest project sets it. */
export function testedDistribution(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Distribution {
  const name = env.HARDEN_TEST_DISTRIBUTION ?? 'debian12';
  if (!Object.hasOwn(DISTRIBUTIONS, name)) throw new Error(`There is no distribution "${name}" to test on.`);
  return name as Distribution;
}
