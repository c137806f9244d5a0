import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import type { Key, Verdict } from '../task.ts';

/** Why nothing can be said, or nothing can be done. */
export type Obstacle = Extract<Verdict, { verdict: 'failed' | 'blocked' }>;

export const failed = (reason: string): Obstacle => ({ verdict: 'failed', reason });

export const blocked = (reason: string): Obstacle => ({ verdict: 'blocked', reason });

/** `what` could not be looked at: that is never the same as "it is not there". */
export const unseen = (what: string, { why }: { readonly why: string }): Obstacle =>
  failed(`${what} could not be looked at: ${why}`);

export const wrongKind = (path: string, wanted: 'a directory' | 'a regular file'): Obstacle =>
  blocked(`${path} exists, but is not ${wanted}; it was left alone`);

/** Whether `path`, which another task may bring, is missing or could not be looked at; undefined if it is there. */
export function missing(path: string, seen: Observed<FileState>): Verdict | undefined {
  if (seen.state === 'unreadable') return unseen(path, seen);
  if (seen.state === 'present') return undefined;
  const key: Key = `file:${path}`;
  return { verdict: 'needs', key, reason: `${path} does not exist` };
}

/** The same of the folder that something is to be made in. */
export const missingFolder = (path: string, seen: Observed<FileState>): Verdict | undefined =>
  seen.state === 'present' && seen.value.kind !== 'directory'
    ? wrongKind(path, 'a directory')
    : missing(path, seen);
