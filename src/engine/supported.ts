import type { Facts } from '../probes/facts.ts';

/** Releases whose files, tools and their versions are known. */
const SUPPORTED: Readonly<{ [distribution: string]: readonly string[] }> = {
  debian: ['11', '12', '13'],
  ubuntu: ['22.04', '24.04'],
};

/** Why nothing is done on such a host; undefined if it is one that is known. */
export function unsupported({ distribution, release, systemd }: Facts): string | undefined {
  const what = [distribution || 'an unknown distribution', release].filter(Boolean).join(' ');
  const known = Object.hasOwn(SUPPORTED, distribution) && SUPPORTED[distribution]?.includes(release);
  if (known && systemd) return undefined;
  return `runs ${what}${systemd ? '' : ' without systemd'}, which is not supported (Debian 11, 12 and 13, Ubuntu 22.04 and 24.04 with systemd are)`;
}
