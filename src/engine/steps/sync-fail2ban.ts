import { dump } from '../../shell/fail2ban-dump.ts';
import { running } from '../../shell/fail2ban-socket.ts';
import { lines, raw, type Sh, sh } from '../../shell/quote.ts';
import type { SyncFail2ban } from '../../tasks/change.ts';

const FUNCTIONS =
  raw(`errors() { grep -a ERROR | grep -av -e server-stream -e 'Init of command line failed' | sed 's/^.*ERROR *//' | cut -c1-400 | tail -n 3 | paste -sd ' ' -; }
# missing JAIL...: those that do not run while the server lists $now; fail2ban 0.11 also lists jails that it never started, but they have no thread
missing() {
  threads=$(cat "/proc/$(systemctl show -p MainPID --value fail2ban)/task"/*/comm 2>/dev/null || :)
  for jail in "$@"; do
    case " $now " in *" $jail "*) ;; *) printf '%s ' "$jail"; continue ;; esac
    case $threads in ''|*"$(printf 'f2b/a.%s' "$jail" | cut -c1-15)"*) ;; *) printf '%s ' "$jail" ;; esac
  done | sed 's/ $//'
}
# load: takes over the files; a reload keeps the bans, but a server whose jails are dead loses them by it
load() {
  if [ "$server" != restart ] && now=$(running) && [ -z "$(missing $now)" ] && [ "$(systemctl show -p NeedDaemonReload --value fail2ban)" != yes ]; then
    # systemd has to know of a reload that was owed
    if [ "$server" = reload-or-restart ]; then systemctl reload fail2ban 2>&1; else fail2ban-client reload 2>&1; fi
  else
    systemctl daemon-reload
    systemctl reset-failed fail2ban 2>/dev/null || :
    systemctl restart fail2ban 2>&1
  fi
}
mark() { log=/var/log/fail2ban.log; size=$(stat -c %s "$log" 2>/dev/null || echo 0); since=$(date +%s); }
logged() {
  said=$({ tail -c +$((size + 1)) "$log"; journalctl -q -o cat -u fail2ban --since "@$since"; } 2>/dev/null | errors)
  # one that dies before it can log
  [ -n "$said" ] || systemctl -q is-active fail2ban ||
    said=$(journalctl -q -o cat _SYSTEMD_UNIT=fail2ban.service --since "@$since" | tail -n 3 | cut -c1-400 | paste -sd ' ' -)
  [ -z "$said" ] || printf '; fail2ban says: %s' "$said"
}
# settled: waits until all wanted jails run, or it is clear that they will not
settled() {
  deadline=$(($(date +%s) + 15))
  while :; do
    if now=$(running) && [ -z "$(missing $wanted)" ]; then return 0; fi
    if [ "$(systemctl is-active fail2ban)" = failed ] || [ "$(date +%s)" -ge $deadline ]; then return 1; fi
    sleep 0.2
  done
}
# put_back SENTENCE: the files as they were before this run, and the server with them
put_back() {
  restored=0
  set -- "$1" /etc/fail2ban
  # what a link there leads to was replaced where it really is
  while IFS= read -r real; do [ -z "$real" ] || set -- "$@" "$real"; done <<END_OF_PATHS
$(readlink -f /etc/fail2ban /etc/fail2ban/jail.d /etc/fail2ban/filter.d
  find -L /etc/fail2ban -maxdepth 2 -xtype l -exec readlink -f -- {} + 2>/dev/null)
END_OF_PATHS
  sentence=$1
  shift
  restore_files "$@" || restored=$?
  set -- "$sentence"
  if [ $restored != 1 ]; then
    after='fail2ban itself was not touched'
    if [ -n "$touched" ] && [ -z "$was_up" ]; then systemctl stop fail2ban; after='fail2ban is stopped, as it was'
    elif [ -n "$touched" ]; then
      wanted=$before server=
      load >/dev/null || :
      if settled; then after="the jails that run again: $now"
      else after="even so these jails did not come back: $(missing $wanted)"; fi
    fi
    [ $restored = 0 ] || fail "$1. These files could not be put back (is the disk full?):$lost; their old contents are in $RUN/before; $after."
    fail "$1. The files in /etc/fail2ban are back as they were before this run; $after."
  fi
  fail "$1. This run had changed no file of fail2ban, so there was nothing to put back."
}`);

/** What is said of files that the server cannot take over: they go, or it goes on with what it runs. */
const unfit = (lenient: boolean): Sh =>
  raw(
    lenient
      ? `unfit() { echo "$1; so fail2ban goes on with what it runs" >&2; exit 0; }`
      : 'unfit() { put_back "$1"; }',
  );

const VALIDATE = raw(`touched= was_up= status=0; mark
before=$(running) || status=$?
case $status in 0) was_up=yes ;; 1) ;; *) unfit 'fail2ban runs, and does not answer' ;; esac
for filter in "$@"; do
  said=$(fail2ban-regex "harden
" "$filter" 2>&1) || unfit "The filter $filter does not work: $(echo "$said" | tail -n 1 | cut -c1-400)"
done`);

/** What a running jail has and its files do not bring. */
const LOSES =
  raw(`# loses JAIL WHAT NONE SENTENCE: refuses the files if the running jail has any; NONE is how fail2ban says that it has not
loses() {
  has=$(fail2ban-client get "$1" "$2" 2>/dev/null) || return 0
  case $has in "$3"*) ;; *) unfit "No file of fail2ban gives the jail $1 $4 once they are read; is /etc/fail2ban/jail.conf empty or cut off? Put back the one of the package" ;; esac
}`);

/** One that does not run, and is not to, may have a configuration that it refuses: so it was before harden. */
const TEST = raw(`if [ -n "$was_up$wanted$server" ]; then
  # -t would refuse what a jail of others is left out for, and goes no further there
  brought=$(dump) || unfit "fail2ban refuses its configuration: $(echo "$brought" | errors)"
  said=$(printf '%s\\n' "$brought" | sed -n 's/^.*WARNING *\\(Have not found any log file .*\\)$/\\1/p' | paste -sd ';' -)
  [ -z "$said" ] || unfit "fail2ban would not load its files: $said"
  said=$(printf '%s\\n' "$brought" | grep -a ^refused | while IFS="$(printf '\\t')" read -r _ jail why; do printf '[%s] %s; ' "$jail" "$why"; done | cut -c1-600)
  [ -z "$said" ] || unfit "fail2ban could not take over its files: \${said%; }"
  # a reload ends a jail that is left out, and one that no file brings
  for jail in $before $wanted; do
    case $brought in *"Jail '$jail' skipped"* | *"Jail \\\\'$jail\\\\' skipped"*) unfit "fail2ban leaves out the jail $jail, which is to run: $(printf '%s\\n' "$brought" | errors)" ;; esac
  done
  for jail in $wanted; do
    case $brought in *"['start', '$jail']"*) ;; *) unfit "No file of fail2ban brings the jail $jail, which is to run" ;; esac
  done
  # a reload takes actions and logs from a jail whose files name none, and none of the checks above says so
  for jail in $before; do
    case $brought in *"['start', '$jail']"*) ;; *) continue ;; esac
    case $brought in *"'$jail', 'addaction'"*) ;; *) loses "$jail" actions 'No actions' 'an action, so it would ban nobody' ;; esac
    case $brought in *"['add', '$jail', 'systemd"* | *"'$jail', 'addlogpath'"*) ;;
    *) loses "$jail" logpath 'No file' 'a log, so it would see nothing' ;; esac
  done
fi`);

const TAKE_OVER = raw(`if [ -n "$was_up$wanted$server" ]; then
  touched=yes
  said=$(load) || put_back "fail2ban could not load its configuration: $(echo "$said" | errors)"
  settled || put_back "These jails do not run: $(missing $wanted)$(logged)"
  for jail in $restart; do
    said=$(fail2ban-client reload --restart --if-exists "$jail" 2>&1) || put_back "The jail $jail could not be restarted: $(echo "$said" | errors)"
  done
  settled || put_back "These jails do not run: $(missing $wanted)$(logged)"
fi`);

/** What is taken away from fail2ban takes no jail of others with it. */
const others = (gone: readonly string[]): Sh => sh`gone=${gone.join(' ')}
${raw(`for jail in $before; do
  case " $gone $wanted " in *" $jail "*) ;; *) wanted="$wanted $jail" ;; esac
done`)}`;

/**
 * Checks the files, lets the server take them over (a reload keeps its bans), and compares the jails that then run
 * with those that should. If they do not, the files of this run are put back and loaded again. A server that does not
 * run is started only for a jail, or where `server` says so. Needs the step library's `fail` and `restore_files`.
 */
export function syncFail2ban(change: SyncFail2ban): Sh {
  const { jails, gone = [], filters, restart, server, lenient = false } = change;
  return lines([
    dump,
    running,
    FUNCTIONS,
    unfit(lenient),
    sh`wanted=${jails.join(' ')} restart=${restart.join(' ')} server=${server ?? ''}`,
    ...(server ? [raw('note_unit fail2ban.service')] : []),
    sh`set -- ${filters}`,
    VALIDATE,
    ...(gone.length > 0 || lenient ? [others(gone)] : []),
    LOSES,
    TEST,
    TAKE_OVER,
  ]);
}
