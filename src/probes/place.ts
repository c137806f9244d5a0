import { held } from '../shell/held.ts';
import { lines, raw, sh } from '../shell/quote.ts';
import { defineProbe, type Observed, present } from './probe.ts';

/** What keeps even root from changing a path: it is a mount point, or it or its folder is read-only, immutable or append-only. */
export type Held = 'mount' | 'itself' | 'folder';

/** Where a path leads, and what stands in the way of a change there. */
export interface Place {
  readonly realPath: string;
  readonly held?: Held;
}

/** Asked by a path, which need not exist. */
export const placeProbe = defineProbe<string, Place>({
  name: 'place',
  key: (path) => path,
  script: (paths) =>
    lines([
      held,
      raw(`place() { printf '%s\\n' "\${2:--} $1"; }`),
      // a path may end in a line break
      sh`places=$(readlink -m -- ${paths}; echo .)`,
      raw('each_held place "${places%?.}"'),
    ]),
  parse(output, paths) {
    const rows = output.toString().replace(/\n$/, '').split('\n');
    if (rows.length !== paths.length) throw new Error('a path leads to a name with a line break');
    return new Map(
      paths.map((path, index): [string, Observed<Place>] => [path, present(place(rows[index]!))]),
    );
  },
});

function place(row: string): Place {
  const [, word = '-', realPath = ''] = /^(\S+) (.*)$/.exec(row) ?? [];
  return { realPath, ...(isHeld(word) ? { held: word } : {}) };
}

export const isHeld = (word: string): word is Held => ['mount', 'itself', 'folder'].includes(word);
