/** What a test spends its time on. */
export type Activity =
  /** A container is created, booted and able to let in. */
  | 'host start'
  /** Packages are fetched and installed by a test, not by harden. */
  | 'apt'
  /** Jails come up, or a ban reaches the kernel. */
  | 'fail2ban'
  /** The tool runs: guard windows and packages that it installs are part of that. */
  | 'harden'
  /** Any other script on a host. */
  | 'script'
  /** Nothing happens until a window of `recent` is over. */
  | 'recent window';

/** Seconds of a test file by activity; what goes on at the same time is added up. */
export type Waits = Readonly<Partial<Record<Activity, number>>>;

const totals: Partial<Record<Activity, number>> = {};

/** Runs `work` and counts how long it takes. */
export async function timed<T>(activity: Activity, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    totals[activity] = (totals[activity] ?? 0) + (performance.now() - start) / 1000;
  }
}

/** What was counted since the last call. */
export function takeWaits(): Waits {
  const taken = { ...totals };
  for (const activity of Object.keys(totals) as Activity[]) delete totals[activity];
  return taken;
}
