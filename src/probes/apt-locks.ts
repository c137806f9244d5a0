import { textOf } from '../shell/frame.ts';
import { raw, sh } from '../shell/quote.ts';
import { defineProbe, present } from './probe.ts';

const LOCKS = [
  '/var/lib/dpkg/lock-frontend',
  '/var/lib/dpkg/lock',
  '/var/lib/apt/lists/lock',
  '/var/cache/apt/archives/lock',
];

/** A process that holds locks of apt or dpkg. */
export interface LockHolder {
  readonly pid: number;
  readonly command: string;
  readonly locks: readonly string[];
}

/**
 * Who holds the locks of apt and dpkg, by the kernel's own list: hosts need not have fuser, and trying a lock would be
 * one. By the inode alone: on btrfs the list has another device than `stat`.
 */
export const aptLocksProbe = defineProbe<'apt-locks', readonly LockHolder[]>({
  name: 'apt-locks',
  key: () => 'apt-locks',
  script: () =>
    sh`for lock in ${LOCKS}; do${raw(`
  inode=$(stat -c %i "$lock" 2>/dev/null) || continue
  awk -v inode="$inode" '
    $2 == "POSIX" && $4 == "WRITE" && $5 > 0 { n = split($6, at, ":"); if (at[n] == inode) print $5 }' /proc/locks |
    while read -r pid; do
      echo "$pid $lock $(tr '\\0' ' ' 2>/dev/null < "/proc/$pid/cmdline" | head -c 200 | base64 -w0)="
    done
done
:`)}`,
  parse(output) {
    const holders = new Map<string, LockHolder>();
    for (const line of output.toString().split('\n')) {
      const [pid = '', lock, command] = line.split(' ');
      if (lock === undefined || command === undefined) continue;
      const said = textOf(command).trim();
      const { locks } = holders.get(pid) ?? { locks: [] };
      holders.set(pid, { pid: Number(pid), command: said, locks: [...locks, lock] });
    }
    return new Map([['apt-locks', present([...holders.values()])]]);
  },
});
