import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { records } from '../shell/records.ts';
import { account, CONTENT_LIMIT } from './file.ts';
import { absent, defineProbe, type Observed, present, unreadable } from './probe.ts';

/** What stood at a path before harden first changed it. */
export type Before =
  | { readonly state: 'absent' }
  | ({ readonly state: 'file'; readonly content: Buffer } & Ownership)
  /** Only its attributes were changed. */
  | ({ readonly state: 'attributes' } & Ownership);

interface Ownership {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export interface FileOrigin {
  readonly before: Before;
  /** What harden last wrote there; undefined if it only changed attributes, or did not keep it. */
  readonly written?: Buffer;
}

const LOOK = raw(`all=$(origins)
look() {
  index=$1
  found=$(printf '%s\\n' "$all" | WANTED=$(readlink -f -- "$2" || printf %s "$2") awk '
    { path = $0; for (i = 0; i < 3; i++) sub(/^[^ ]* /, "", path) }
    path == ENVIRON["WANTED"] { print $1, $2, $3; exit }')
  [ -n "$found" ] || { echo "$index none"; return; }
  set -- $found
  facts=- body=- written=-
  if [ "$2" = file ]; then
    if ! [ -f "$1" ] || [ "$(stat -c %s "$1")" -gt ${CONTENT_LIMIT} ]; then echo "$index lost"; return; fi
    facts=$(stat -c '%a,%U/%u,%G/%g' "$1") body=$(base64 -w0 < "$1")
  fi
  if [ -f "$3" ] && [ "$(stat -c %s "$3")" -le ${CONTENT_LIMIT} ]; then written=$(base64 -w0 < "$3"); written=\${written:-=}; fi
  echo "$index $2 $facts \${body:-=} $written"
}`);

/** What harden noted of a path before it changed it. Absent: it never did. */
export const fileOriginProbe = defineProbe<string, FileOrigin>({
  name: 'file-origin',
  key: (path) => path,
  script: (paths) => lines([records(), LOOK, ...paths.map((path, index) => sh`look ${index} ${path}`)]),
  parse(output, paths) {
    const answers = new Map<string, Observed<FileOrigin>>();
    for (const line of output.toString().split('\n')) {
      const [index, ...words] = line.split(' ');
      const path = paths[Number(index)];
      if (path !== undefined && words.length > 0) answers.set(path, fileOrigin(words));
    }
    return answers;
  },
});

function fileOrigin([
  state = '',
  facts = '',
  body = '',
  written = '',
]: readonly string[]): Observed<FileOrigin> {
  if (state === 'none') return absent;
  const rest = written === '-' || written === '' ? {} : { written: bytes(written) };
  if (state === 'absent') return present({ before: { state }, ...rest });
  if (state === 'file')
    return present({ before: { state, content: bytes(body), ...ownership(facts) }, ...rest });
  const attributes = /^attributes=(.*)$/.exec(state)?.[1];
  if (attributes !== undefined)
    return present({ before: { state: 'attributes', ...ownership(attributes) }, ...rest });
  return unreadable('its earlier content was not kept, or is too large to be put back');
}

/** `=` stands for no bytes: an empty word would be no word. */
const bytes = (text: string): Buffer => Buffer.from(text === '=' ? '' : text, 'base64');

/** `644,root/0,root/0`. */
function ownership(text: string): Ownership {
  const [mode = '', owner, group] = text.split(',');
  return { mode: mode.padStart(4, '0'), owner: account(owner), group: account(group) };
}

/** How a unit was before harden first controlled it. */
export interface UnitOrigin {
  readonly unitFileState: string;
  readonly activeState: string;
}

/** Asked by the unit's full name. Absent: harden never controlled it. */
export const unitOriginProbe = defineProbe<string, UnitOrigin>({
  name: 'unit-origin',
  key: (unit) => unit,
  script: (): Sh => lines([records(), raw('unit_origins')]),
  parse(output, units) {
    const found = new Map<string, Observed<UnitOrigin>>(units.map((unit) => [unit, absent]));
    for (const line of output.toString().split('\n')) {
      const [unit = '', unitFileState = '', activeState = ''] = line.split(' ');
      if (found.has(unit))
        found.set(unit, present({ unitFileState: unitFileState === '-' ? '' : unitFileState, activeState }));
    }
    return found;
  },
});

/** Whether harden installed a package. Absent: it did not. */
export const packageOriginProbe = defineProbe<string, 'installed'>({
  name: 'package-origin',
  key: (name) => name,
  script: (): Sh => lines([records(), raw('package_origins')]),
  parse(output, names) {
    const made = new Set(output.toString().split('\n'));
    return new Map(names.map((name) => [name, made.has(name) ? present('installed') : absent]));
  },
});
