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
  for file in jail.conf jail.d/*.conf jail.local jail.d/*.local; do
    [ -f "$file" ] || continue
    only=; [ "$file" = jail.conf ] && only=DEFAULT
    text=$(awk -v only="$only" 'BEGIN { inside = only == "" } /^[[:space:]]*\\[/ { inside = only == "" || index($0, "[" only "]") }
      !inside || /^[[:space:]]*([#;]|$)/ { next } { print NR ":" $0 }' "./$file" | base64 -w0) || exit
    printf '%s %s\\n' "$(printf %s "$file" | base64 -w0)" "$text"
  done
fi`),
  parse: (output) => new Map([['jails', parseFiles(output.toString())]]),
});

function parseFiles(output: string): Observed<readonly ConfigFile[]> {
  const [first, ...rows] = output.split('\n');
  if (!first) return absent;
  if (first !== 'present') return unreadable('the list of its files is not understood');
  return present(
    rows
      .filter((row) => row !== '')
      .map((row) => {
        const [path = '', text = ''] = row
          .split(' ')
          .map((part) => Buffer.from(part, 'base64').toString('latin1'));
        return { path: `/etc/fail2ban/${path}`, text: spread(text) };
      }),
  );
}

/** Numbered lines, each back at its own place. */
function spread(numbered: string): string {
  const placed: string[] = [];
  for (const line of numbered.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) placed[Number(line.slice(0, colon)) - 1] = line.slice(colon + 1);
  }
  return Array.from(placed, (line) => line ?? '').join('\n');
}
