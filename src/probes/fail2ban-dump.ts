import { dump } from '../shell/fail2ban-dump.ts';
import { lines, raw } from '../shell/quote.ts';
import { absent, defineProbe, present, unreadable } from './probe.ts';

/** What fail2ban makes of its files, whether or not it runs: what the next start or reload would do. */
export interface Dump {
  /** In fail2ban's words, why it can read nothing: the server would not start, and no reload would be taken. */
  readonly refusal?: string;
  /** The jails that the files bring; none if they are refused. */
  readonly jails: ReadonlyMap<string, DumpedJail>;
}

export interface DumpedJail {
  /** In fail2ban's words, why it leaves this jail out. */
  readonly skipped?: string;
  /** In fail2ban's words, what of it the server could not take: a reload would leave no jail at all. */
  readonly refused?: string;
  readonly actions: readonly string[];
  /** It finds a log file, or reads the journal. A jail that wants a log and finds none keeps the whole server from starting. */
  readonly watches: boolean;
}

/**
 * `-d` and not `-t`: it tells of every jail that finds no log, where `-t` stops at the first, and goes on where the run may
 * yet make it. Logs go away without a change of any file of fail2ban, so nothing cheaper answers this.
 */
export const fail2banDumpProbe = defineProbe<'dump', Dump>({
  name: 'fail2ban-dump',
  slow: true,
  key: () => 'dump',
  script: () =>
    lines([
      dump,
      raw(`[ -d /etc/fail2ban ] && command -v fail2ban-client >/dev/null || exit 0
status=0
said=$(dump) || status=$?
echo "status $status"
if [ $status = 0 ]; then
  printf '%s\n' "$said" | grep -aE "^\\['(add|start|config-error)'|^\\['(multi-)?set', '[^']*', 'add(action|logpath)'|^refused" | cut -c1-500
else
  # the last line says only that there was an error
  printf '%s\n' "$said" | grep -av -e "^\\['" -e WARNING -e 'Init of command line failed' | sed 's/^.*ERROR:* *//' | cut -c1-400 | tail -n 5
fi`),
    ]),
  parse: (output) => new Map([['dump', parseDump(output.toString())]]),
});

function parseDump(text: string) {
  const [first = '', ...rows] = text.split('\n').filter(Boolean);
  if (first === '') return absent;
  const status = /^status (\d+)$/.exec(first)?.[1];
  if (status === undefined) return unreadable('what fail2ban-client -d said is not understood');
  if (status !== '0' && status !== '255') return unreadable(`fail2ban-client -d ended with status ${status}`);
  if (status !== '0') {
    const words = [...new Set(rows)].filter((row) => !/stream failed/.test(row));
    return present<Dump>({ refusal: words.join(' ') || `exit status ${status}`, jails: new Map() });
  }
  const jails = new Map<string, DumpedJail>();
  const set = (name: string, over: Partial<DumpedJail>) =>
    jails.set(name, { actions: [], watches: false, ...jails.get(name), ...over });
  for (const row of rows) {
    const [, add, backend] = /^\['add', '([^']*)', '([^']*)'/.exec(row) ?? [];
    if (add !== undefined) set(add, { watches: backend?.startsWith('systemd') ?? false });
    const [, name, what, value = ''] =
      /^\['(?:multi-)?set', '([^']*)', 'add(action|logpath)', '([^']*)/.exec(row) ?? [];
    if (name !== undefined)
      set(
        name,
        what === 'action' ? { actions: [...(jails.get(name)?.actions ?? []), value] } : { watches: true },
      );
    const [, skipped, why = ''] =
      /^\['config-error', .Jail \\?'([^'\\]*)\\?' skipped, because of (?:wrong configuration: )?(.*?)(?:["']\])?$/.exec(
        row,
      ) ?? [];
    if (skipped !== undefined) set(skipped, { skipped: why });
    const [, refused, words = ''] = /^refused\t([^\t]*)\t(.*)$/.exec(row) ?? [];
    if (refused !== undefined) set(refused, { refused: words });
  }
  return present<Dump>({ jails });
}
