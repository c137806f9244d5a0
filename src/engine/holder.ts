import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/** Who runs a job, for whoever finds the host locked by it, and for picking up a run whose program is gone. */
export interface Holder {
  /** `ann@laptop, since 2026-01-01T00:00:00.000Z`. */
  readonly who: string;
  /** This program on this machine; one line without blanks. */
  readonly mark: string;
}

export function thisHolder(): Holder {
  return {
    who: `${userInfo().username}@${hostname()}, since ${new Date().toISOString()}`,
    mark: `${machine()}/${process.pid}`,
  };
}

/** Whether a mark is that of a program of this machine which runs no more: then nobody else will follow its job. */
export function isAbandoned(mark: string): boolean {
  const [, where, pid] = /^(.*)\/(\d+)$/.exec(mark) ?? [];
  if (where !== machine()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // another user's program lives, too
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Where process numbers mean the same: one start of one machine, and in it one container. */
function machine(): string {
  const read = (get: () => string) => {
    try {
      return get().trim();
    } catch {
      return '';
    }
  };
  return [
    hostname(),
    read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    read(() => readlinkSync('/proc/self/ns/pid')),
  ]
    .join('/')
    .replace(/\s/g, '_');
}
