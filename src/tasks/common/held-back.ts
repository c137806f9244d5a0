import { posix } from 'node:path';
import type { Held } from '../../probes/place.ts';
import type { Change } from '../change.ts';

/** Why changes cannot be made although root makes them, by what is held at each path; undefined if nothing is in the way. */
export const heldBack = (
  changes: readonly Change[],
  held: (path: string) => Held | undefined,
): string | undefined =>
  changes
    .map((change) => ('path' in change ? obstacle(change, held(change.path)) : undefined))
    .find((why) => why !== undefined);

function obstacle(
  { kind, path }: Extract<Change, { path: string }>,
  held: Held | undefined,
): string | undefined {
  // owner and mode of a mount point can be changed, and of what lies in a folder that is immutable or append-only
  const inPlace = kind === 'set-attributes';
  switch (held) {
    case 'mount':
      return inPlace
        ? undefined
        : `${path} is a mount of its own, which nothing can take the place of: unmount it, or change what is mounted there yourself`;
    case 'itself':
      return takesNoChange(path);
    case 'folder':
      return inPlace ? undefined : takesNoChange(posix.dirname(path));
    case undefined:
      return undefined;
  }
}

const takesNoChange = (path: string): string =>
  `${path} takes no change, not even from root: it is immutable or can only be appended to (chattr -i, chattr -a), or on a file system that is mounted read-only`;
