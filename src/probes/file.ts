import { followLinks } from '../shell/links.ts';
import { lines, raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present, unreadable } from './probe.ts';

export interface FileQuestion {
  readonly path: string;
  /**
   * When is the content needed? `'always'`, `'never'`, or a sha256: only if the file's differs. Content travels
   * only then, so a converged host sends none.
   */
  readonly content: 'always' | 'never' | { readonly unless: string };
}

/** One file system object as `stat` sees it, symlinks resolved. */
export interface FileState {
  readonly kind: 'file' | 'directory' | 'other';
  /** The path with all symlinks resolved. */
  readonly realPath: string;
  /** Four octal digits: `0644`. */
  readonly mode: string;
  /** A name, or a number that has none. */
  readonly owner: string;
  readonly group: string;
  /** Bytes. */
  readonly size: number;
  /** Seconds since the epoch, with fraction: last change of content or attributes. */
  readonly ctime: number;
  /** Further names of a regular file (hard links), if it has any. */
  readonly otherNames?: number;
  /** Of regular files only. */
  readonly sha256?: string;
  /** Present if asked for and not larger than `CONTENT_LIMIT`. */
  readonly content?: Buffer;
  /** What a directory holds, if asked for; of many names the first. */
  readonly entries?: readonly string[];
}

/** Bytes of one file's content that travel at most; a larger file is compared by its sha256 alone. */
export const CONTENT_LIMIT = 1_048_576;

/** Names of a directory that travel at most: more are not needed to see that it is not empty. */
const ENTRIES = 100;

const wantedContent = (question: FileQuestion): string =>
  typeof question.content === 'string' ? question.content : question.content.unless;

const sameContent = (a: FileQuestion['content'], b: FileQuestion['content']): FileQuestion['content'] => {
  if (a === 'never') return b;
  if (b === 'never') return a;
  return typeof a === 'object' && typeof b === 'object' && a.unless === b.unless ? a : 'always';
};

const HEADER = raw(`${followLinks.text}
look() {
  index=$1 path=$2 want=$3
  if ! [ -e "$path" ]; then
    if [ -L "$path" ]; then echo "$index dangling"
    elif parent=\${path%/} parent=\${parent%/*}/; [ -d "$parent" ] && ! [ -x "$parent" ]; then echo "$index unreadable"
    else echo "$index absent"; fi
    return
  fi
  follow_links "$path" : || { echo "$index unreadable"; return; }
  real=\${at:-/}
  case $real in *'
'*) echo "$index broken"; return ;; esac
  if [ "$real" != "$path" ]; then
    link=$(foreign_link "$path")
    if [ -n "$link" ] && [ "$link" != "$(stat -L -c %u -- "$path")" ]; then echo "$index foreign"; return; fi
  fi
  facts=$(stat -L -c '%F|%a|%U/%u|%G/%g|%s|%.9Z|%h' -- "$path") || { echo "$index unreadable"; return; }
  sum=- body=
  if [ -f "$path" ]; then
    sum=$(sha256sum < "$path") || { echo "$index unreadable"; return; }
    sum=\${sum%% *}
    size=\${facts%|*|*} size=\${size##*|}
    if [ "$want" != never ] && [ "$want" != "$sum" ] && [ "$size" -le ${CONTENT_LIMIT} ]; then
      # it may have grown meanwhile
      body=$(head -c ${CONTENT_LIMIT + 1} < "$path" | base64 -w0); [ -n "$body" ] || body==
    fi
  elif [ -d "$path" ] && [ "$want" = always ]; then
    body=$(ls -A -- "$path" | head -n ${ENTRIES} | base64 -w0); [ -n "$body" ] || body==
  fi
  printf '%s\\n' "$index present|$facts|$sum|$body|$real"
}`);

/** Files and directories: attributes, sha256, and content where it is needed. */
export const fileProbe = defineProbe<FileQuestion, FileState>({
  name: 'file',
  key: (question) => question.path,
  merge: (a, b) => ({ path: a.path, content: sameContent(a.content, b.content) }),
  script: (questions) =>
    lines([
      HEADER,
      ...questions.map((question, index) => sh`look ${index} ${question.path} ${wantedContent(question)}`),
    ]),
  parse(output, questions) {
    const answers = new Map<string, Observed<FileState>>();
    for (const line of output.toString('latin1').split('\n')) {
      const space = line.indexOf(' ');
      const question = questions[Number(line.slice(0, space))];
      if (space > 0 && question) answers.set(question.path, parseAnswer(line.slice(space + 1)));
    }
    return answers;
  },
});

/** `root/0`; a number that no name stands for: `UNKNOWN/1001`. */
export function account(text = ''): string {
  const [name = '', number = ''] = text.split('/');
  return name === 'UNKNOWN' ? number : name;
}

function parseAnswer(text: string): Observed<FileState> {
  if (text === 'absent') return absent;
  if (text === 'foreign') {
    return unreadable(
      'a symbolic link leads to it that belongs to another user than the file itself; whoever made it could choose what is changed',
    );
  }
  if (text === 'broken') return unreadable('its name, links resolved, has a line break');
  if (text === 'dangling') return unreadable('it is a symbolic link whose target does not exist');
  const [word, kind, mode, owner, group, size, ctime, names, sum, body, ...real] = text.split('|');
  if (word !== 'present' || real.length === 0) return unreadable('it cannot be read');
  const bytes = body ? Buffer.from(body === '=' ? '' : body, 'base64') : undefined;
  const isDirectory = kind === 'directory';
  return present({
    kind: kind?.startsWith('regular') ? 'file' : isDirectory ? 'directory' : 'other',
    realPath: Buffer.from(real.join('|'), 'latin1').toString(),
    mode: (mode ?? '').padStart(4, '0'),
    owner: account(owner),
    group: account(group),
    size: Number(size),
    ctime: Number(ctime),
    ...(sum && sum !== '-' ? { sha256: sum } : {}),
    ...(sum && sum !== '-' && Number(names) > 1 ? { otherNames: Number(names) - 1 } : {}),
    ...(bytes && !isDirectory && bytes.length <= CONTENT_LIMIT ? { content: bytes } : {}),
    ...(bytes && isDirectory ? { entries: bytes.toString().split('\n').filter(Boolean) } : {}),
  });
}
