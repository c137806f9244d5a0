import { raw } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present, unreadable } from './probe.ts';

/** One file of fail2ban's jail configuration. */
export interface ConfigFile {
  readonly path: string;
  /** Its text without comments (those lines are empty, so line numbers hold); of `jail.conf` only `[DEFAULT]`. */
  readonly text: string;
}

/** The jail configuration in the order in which fail2ban reads it: what comes later wins. */
export const fail2banConfigProbe = defineProbe<'jails', readonly ConfigFile[]>({
  name: 'fail2ban-config',
  key: () => 'jails',
  script: () =>
    raw(`if [ -d /etc/fail2ban ]; then
  cd /etc/fail2ban || exit
  echo present
  set --
  for file in jail.conf jail.d/*.conf jail.local jail.d/*.local; do
    [ -f "$file" ] || continue
    case $file in *'
'*) echo 'the name of a file in /etc/fail2ban/jail.d has a line break' >&2; exit 1 ;; esac
    printf 'name ./%s\\n' "$file"
    set -- "$@" "./$file"
  done
  [ $# = 0 ] || awk 'FNR == 1 { print "file " FILENAME; whole = FILENAME != "./jail.conf"; inside = whole }
    /^[[:space:]]*\\[/ { inside = whole || index($0, "[DEFAULT]") }
    inside && !/^[[:space:]]*([#;]|$)/ { print FNR ":" $0 }' "$@"
fi`),
  parse: (output) => new Map([['jails', parseFiles(output.toString('latin1'))]]),
});

/** A `name` row for each file; a `file` row stands before the lines of a file that has any. */
function parseFiles(output: string): Observed<readonly ConfigFile[]> {
  const [first, ...rows] = output.split('\n');
  if (!first) return absent;
  if (first !== 'present') return unreadable('the list of its files is not understood');
  const files = new Map<string, string[]>();
  let placed: string[] = [];
  for (const row of rows) {
    const [, word, path = '', number, line = ''] = /^(?:(name|file) \.\/(.*)|(\d+):(.*))$/s.exec(row) ?? [];
    if (word === 'name') files.set(path, []);
    else if (word === 'file') placed = files.get(path) ?? [];
    else if (number !== undefined) placed[Number(number) - 1] = line;
  }
  return present(
    [...files].map(([path, texts]) => ({
      path: `/etc/fail2ban/${path}`,
      // each line at its own place
      text: Array.from(texts, (line) => line ?? '').join('\n'),
    })),
  );
}
