import { lines, raw, type Sh, sh } from '../../shell/quote.ts';
import type { SyncFail2ban } from '../../tasks/change.ts';

/** `fail2ban-client -t` accepts a regex that does not compile, and a reload with one leaves no jail at all. */
const FUNCTIONS = raw(`errors() { grep -a ERROR | sed 's/^.*ERROR *//' | cut -c1-400 | tail -n 3 | paste -sd ' ' -; }
answers() { fail2ban-client ping >/dev/null 2>&1; }
running() { fail2ban-client status 2>/dev/null | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ','; }
missing() {
  now=$(running)
  for jail in $wanted; do case " $now " in *" $jail "*) ;; *) printf '%s ' "$jail" ;; esac; done
}
mark() { log=/var/log/fail2ban.log; size=$(stat -c %s "$log" 2>/dev/null || echo 0); since=$(date +%s); }
logged() { { tail -c +$((size + 1)) "$log"; journalctl -q -o cat -u fail2ban --since "@$since"; } 2>/dev/null | errors; }
take_over() {
  systemctl reset-failed fail2ban 2>/dev/null || :
  systemctl restart fail2ban || :
}
# settled: waits until all wanted jails run, or it is clear that they will not
settled() {
  deadline=$(($(date +%s) + 15))
  while :; do
    if answers && [ -z "$(missing)" ]; then return 0; fi
    if [ "$(systemctl is-active fail2ban)" = failed ] || [ "$(date +%s)" -ge $deadline ]; then return 1; fi
    sleep 0.2
  done
}
# put_back SENTENCE: the files as they were before this run, and the server with them
put_back() {
  if restore_files /etc/fail2ban; then
    if [ -z "$touched" ]; then after='fail2ban itself was not touched'
    else
      fail2ban-client reload >/dev/null 2>&1 || take_over
      wanted=$before
      if settled; then after="the jails that run again: \${before:-none}"
      else after="fail2ban does not run as before: $(missing)did not come back"; fi
    fi
    fail "$1. The files in /etc/fail2ban are back as they were before this run; $after."
  fi
  fail "$1. This run had changed no file of fail2ban, so there was nothing to put back."
}`);

const VALIDATE = raw(`touched=; before=$(running); mark
for filter in "$@"; do
  said=$(fail2ban-regex "harden
" "$filter" 2>&1) || put_back "The filter $filter does not work: $(echo "$said" | tail -n 1 | cut -c1-400)"
done
said=$(fail2ban-client -t 2>&1) || put_back "fail2ban refuses its configuration: $(echo "$said" | errors)"`);

const TAKE_OVER = raw(`if answers; then
  touched=yes
  said=$(fail2ban-client reload 2>&1) || put_back "fail2ban could not load its configuration: $(echo "$said" | errors)"
  for jail in $restart; do
    said=$(fail2ban-client reload --restart --if-exists "$jail" 2>&1) || put_back "The jail $jail could not be restarted: $(echo "$said" | errors)"
  done
  settled || put_back "These jails do not run after a reload: $(missing)$(logged)"
elif [ -n "$wanted" ]; then
  touched=yes
  take_over
  # a start that is reported as done may still die a moment later
  settled && sleep 1 && settled || put_back "These jails do not run after a start: $(missing)$(logged)"
fi`);

/**
 * Checks the files, lets the server take them over (a reload keeps its bans), and compares the jails that then run
 * with those that should. If they do not, the files of this run are put back and loaded again. A server that does not
 * run is started only for a jail. Needs the step library's `fail` and `restore_files`.
 */
export function syncFail2ban({ jails, filters, restart }: SyncFail2ban): Sh {
  return lines([
    FUNCTIONS,
    sh`wanted=${jails.join(' ')} restart=${restart.join(' ')}`,
    sh`set -- ${filters}`,
    VALIDATE,
    TAKE_OVER,
  ]);
}
