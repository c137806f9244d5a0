import { interrupted } from '../../shell/dpkg.ts';
import { raw, type Sh, sh } from '../../shell/quote.ts';
import { records } from '../../shell/records.ts';
import type { InstallPackages, RemovePackages } from '../../tasks/change.ts';
import { isDoorPackage } from '../door.ts';

/** Seconds that another package manager's lock is waited for. */
const LOCK = 300;

/**
 * apt without questions: configuration files of the administrator are kept, a lock is waited for, needrestart neither
 * asks nor restarts anything (its mode alone would not keep Ubuntu's from it: it waits for the next run of apt). What it prints is kept beside the run; what matters of it is shown where it fails.
 */
const APT =
  raw(`export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
words_of_apt=\${WORDS:-$RUN}/apt.said
apt() {
  status=0
  apt-get -y -q -o DPkg::Lock::Timeout=${LOCK} -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" \
    > "$words_of_apt" 2>&1 || status=$?
  cat "$words_of_apt" >> "$RUN/apt.log"
  [ $status = 0 ] || cat "$words_of_apt" >> "$words_of_apt.failed"
  return $status
}
# what would have to go stands in lines that begin with blanks, and ends with the next heading
in_the_way() {
  grep -q '^E: Packages need to be removed but remove is disabled' "$words_of_apt.failed" || return 0
  awk '/^[^ ]/ { gone = /will be REMOVED/; next } gone' "$words_of_apt.failed" | tr -d '*' | xargs -n 1 | sort -u | xargs
}
# whether NAMES are installed now, and which packages wait to be configured
state_of() {
  for name; do
    case $(dpkg-query -W -f '\${db:Status-Status} ' -- "$name" 2>/dev/null) in
      'installed '*) echo "$name is installed" ;;
      '' | not-installed* | config-files*) echo "$name is not installed" ;;
    esac
  done
  waiting
}
waiting() { dpkg-query -W -f '\${binary:Package} \${db:Status-Status}\n' | awk '$2 ~ /^(unpacked|half-configured|triggers-)/ { print $1 " is " $2 }'; }
# give_up NAMES: what dpkg could not do stands on the line after the package
give_up() {
  others=$(in_the_way)
  [ -z "$others" ] || fail "it cannot stand beside these, which would have to be removed: $others. harden removes nothing for it: see that they can go, remove them by hand (apt-get remove), and run again"
  words=$(tr -d '\\r' < "$words_of_apt.failed" | awk '
    (reason || /^(E:|W: Failed to fetch|dpkg: error| [^ ]+ : )/) && !seen[$0]++
    { reason = /^dpkg: error/ }' | tail -n 6)
  words=\${words:-$(tail -n 6 "$words_of_apt.failed")}
  [ -z "$(waiting)" ] || fail "$(state_of "$@" | paste -sd ';' | sed 's/;/; /g'): dpkg --configure -a on the host shows why. apt said: $words"
  fail "$words"
}
${interrupted.text}
# an interrupted dpkg has to finish first; the audit does not see records that are not written to the end
finish_dpkg() { { [ -z "$(dpkg --audit)" ] && ! interrupted; } || dpkg --force-confdef --force-confold --configure -a >> "$RUN/apt.log" 2>&1 || :; }
# packages that were cut off while they were unpacked, which dpkg refuses to configure
torn() { dpkg-query -W -f '\${binary:Package} \${db:Status-Abbrev}\n' 2>/dev/null | awk '$2 ~ /^.H|R/ { print $1 }'; }
there() {
  dpkg-query -W -f '\${Package} \${db:Status-Status}\n' | awk '$2 != "not-installed" && $2 != "config-files" { print $1 }' | sort -u
}`);

/**
 * Package lists are fetched if there are none, or if installing from the present ones fails. What is new is noted.
 * Nothing is ever removed for it. A server that could cut the operator off is enabled and not started: a service task does that under the guard.
 */
export function installPackages({ names }: InstallPackages): Sh {
  // systemd takes it for a change root then, where nothing is started; unlike a mask, nothing of it can stay behind
  const [before, after] = names.some(isDoorPackage)
    ? (['export SYSTEMD_OFFLINE=1', 'unset SYSTEMD_OFFLINE; systemctl daemon-reload'] as const)
    : ([':', ':'] as const);
  return sh`${APT}
${raw(before)}
updated=
# the lock of the lists is one that apt itself does not wait for
update() {
  [ -z "$updated" ] || return 1
  updated=yes
  deadline=$(($(date +%s) + ${raw(String(LOCK))}))
  until apt update; do
    grep -q 'Could not get lock' "$words_of_apt" && [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 1
  done
  # with all lists there, what failed for want of them counts no longer; apt calls it a success to have fetched none
  if grep -q '^W: Failed to fetch' "$words_of_apt"; then cat "$words_of_apt" >> "$words_of_apt.failed"
  else rm -f "$words_of_apt.failed"; fi
}
there > "$words_of_apt.before"
# also of an installation that fails half-way
trap 'there | comm -13 "$words_of_apt.before" - | sed "s/^/installed /" >> "$RUN/packages"' EXIT
finish_dpkg
known() { apt-cache show -- "$@" >/dev/null 2>&1; }
install() {
  [ -z "$(torn)" ] || apt install --no-remove --reinstall -- $(torn) || :
  # what still is not configured waits for packages that it needs
  [ -z "$(dpkg --audit)" ] || apt install --no-remove --fix-broken || :
  apt install --no-remove -- ${names}
}
known ${names} || update || give_up ${names}
install || { update && install; } || give_up ${names}
${raw(after)}`;
}

/**
 * Purges the packages and then, of what was installed with them, what nothing else needs. If anything that harden did
 * not install would have to go, nothing goes.
 */
export function removePackages({ names }: RemovePackages): Sh {
  return sh`${APT}
${records()}
# that another package suggests one is no reason to keep it: apt would not have installed it for that either
gone() { apt-get -s -q -o APT::AutoRemove::SuggestsImportant=false "$@" | awk '$1 == "Remv" || $1 == "Purg" { print $2 }' | sed 's/:.*//' | sort -u; }
made=$(package_origins | sort -u)
finish_dpkg
others=$(gone purge -- ${names} | while read -r name; do printf '%s\n' "$made" | grep -qxF -e "$name" || echo "$name"; done)
[ -z "$others" ] || fail "these packages, which harden did not install, need them:" $others
needless=$(gone autoremove)
apt purge -- ${names} || give_up
printf 'removed %s\n' ${names} >> "$RUN/packages"
rest=$(gone autoremove | while read -r name; do
  printf '%s\n' "$needless" | grep -qxF -e "$name" || ! printf '%s\n' "$made" | grep -qxF -e "$name" || echo "$name"
done)
if [ -n "$rest" ]; then
  apt purge -- $rest || give_up
  printf 'removed %s\n' $rest >> "$RUN/packages"
fi`;
}
