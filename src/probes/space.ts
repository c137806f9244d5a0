import { raw, sh } from '../shell/quote.ts';
import { defineProbe, type Observed, present } from './probe.ts';

/** The file system below a directory, or below the nearest one above it that exists. */
export interface Space {
  readonly mount: string;
  /** Bytes left. */
  readonly free: number;
  /** Files that can still be made; undefined where their number has no limit. */
  readonly freeInodes?: number;
  /** False: read-only, also for root. */
  readonly writable: boolean;
}

/** Room and rights, asked by a directory's path. Nothing is written for it. */
export const spaceProbe = defineProbe<string, Space>({
  name: 'space',
  key: (path) => path,
  script: (paths) =>
    sh`for path in ${paths}; do${raw(`
  while ! [ -d "$path" ]; do path=\${path%/*}; path=\${path:-/}; done
  writable=no; [ ! -w "$path" ] || writable=yes
  echo "$(stat -f -c '%S %a %c %d' -- "$path") $writable $(stat -L -c %m -- "$path")"
done`)}`,
  parse(output, paths) {
    const rows = output.toString().trim().split('\n');
    return new Map(paths.map((path, index): [string, Observed<Space>] => [path, space(rows[index] ?? '')]));
  },
});

function space(row: string): Observed<Space> {
  const [, size, blocks, inodes, freeInodes, writable, mount] =
    /^(\d+) (\d+) (\d+) (\d+) (yes|no) (.+)$/.exec(row) ?? [];
  if (mount === undefined) throw new Error('the room on a file system is missing');
  return present({
    mount,
    free: Number(size) * Number(blocks),
    ...(inodes === '0' ? {} : { freeInodes: Number(freeInodes) }),
    writable: writable === 'yes',
  });
}
