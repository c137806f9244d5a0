import { isIP } from 'node:net';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { JOB_UNIT, RUNS } from '../shell/records.ts';
import { type Change, PUT_BACK } from '../tasks/change.ts';
import { touchesFirewall } from './door.ts';
import { keepNetwork, restoreNetwork } from './network.ts';
import { putFileBack } from './steps/library.ts';
import { undoRules } from './steps/load-rules.ts';
import { keepTables, renewBans, restoreTables } from './tables.ts';

/**
 * The guard of changes that could cut the operator off. `pending` in the run's directory becomes `confirmed` or
 * `rolledback` by one rename, so exactly one of them wins, whatever races. `pending` holds how many files the run had noted
 * when it was armed, and a line `UNIT ACTIVE-STATE UNIT-FILE-STATE INVOCATION STATE-CHANGE` for each unit that is touched.
 */

/** Runs where the host was restarted before anybody confirmed: nothing else remembers the run then. */
const BOOT_UNIT = '/etc/systemd/system/harden-undo.service';
const BOOT_WANTS = '/etc/systemd/system/sysinit.target.wants';

/** Runs before what reads the files of the door: the firewall, the network, logins and fail2ban start with what stood before. */
const writeBootUnit = raw(`write_boot_unit() {
cat > "$unit" <<END_OF_UNIT && chmod 0644 "$unit" && ln -sfn "$unit" "$wants/" && sync "$unit" "$wants"
[Unit]
Description=Undo what harden changed and nobody confirmed
DefaultDependencies=no
RequiresMountsFor=$RUN
After=local-fs.target
Before=sysinit.target network-pre.target systemd-sysctl.service nftables.service netfilter-persistent.service ufw.service ssh.socket ssh.service sshd.service fail2ban.service $touched

[Service]
Type=oneshot
ExecStart=/bin/sh $RUN/rollback.sh boot
END_OF_UNIT
}`);

/**
 * A step from which on everything is undone unless it is confirmed: by the job, by systemd when the job dies, by the
 * next boot. If it fails, nothing guarded is begun. Needs the step library's `fail`.
 */
export function armGuard(guarded: readonly Change[]): Sh {
  return lines([
    ...(guarded.some(touchesFirewall) ? [keepTables, keepNetwork] : []),
    raw('wc -l < "$RUN/files" > "$RUN/pending.new"'),
    shown,
    ...unitsOf(guarded).map(
      (unit) =>
        sh`echo ${unit} "$(shown ActiveState ${unit}) $(shown UnitFileState ${unit}) $(shown InvocationID ${unit}) $(shown StateChangeTimestampMonotonic ${unit})" >> "$RUN/pending.new"`,
    ),
    sh`unit=${BOOT_UNIT} wants=${BOOT_WANTS} touched=`,
    early,
    sh`for each in ${unitsOf(guarded)}; do early "$each" || touched="$touched $each"; done`,
    writeBootUnit,
    raw(`[ -d "$wants" ] || { mkdir -m 0755 "$wants" && : > "$RUN/made-wants"; }
write_boot_unit || fail "$unit could not be written, so the host could not undo anything after a restart; nothing was tried"`),
    raw('sync "$RUN/pending.new"; mv -T "$RUN/pending.new" "$RUN/pending"; sync "$RUN"'),
  ]);
}

const shown = raw(`# shown PROPERTY UNIT
shown() { value=$(systemctl show -P "$1" -- "$2"); echo "\${value:--}"; }`);

/** To come before one that mounts need would be a circle, which systemd breaks by leaving out one of its jobs. */
const early = raw(`# early UNIT: file systems wait for it, and the undoing waits for those
early() {
  case $1 in *.mount | *.automount | *.swap) return 0 ;; esac
  case " $(systemctl show -P Before -- "$1") " in *' local-fs.target '* | *' local-fs-pre.target '*) ;; *) return 1 ;; esac
}`);

function unitsOf(guarded: readonly Change[]): string[] {
  const units = guarded.flatMap((change) => (change.kind === 'control-unit' ? [change.unit] : []));
  const fail2ban = guarded.some(({ kind }) => kind === 'sync-fail2ban') ? [FAIL2BAN] : [];
  return [...new Set([...units, ...fail2ban])];
}

const FAIL2BAN = 'fail2ban.service';

/**
 * Waits until jails that were loaded have read their logs: whom they ban for what stands there is banned a moment later, and
 * the login that confirms has to meet that.
 */
export const awaitBans = (guarded: readonly Change[]): Sh =>
  raw(unitsOf(guarded).includes(FAIL2BAN) ? 'sleep 2' : ':');

/** Files that were noted since the guard was armed, the last first. */
const restoreFiles = raw(`since=$(head -n 1 "$decided") units_changed= files_back=
while read -r n state path; do
  [ "$n" -gt "$since" ] 2>/dev/null || continue
  files_back=yes
  # generators have read it before anything else ran
  case $boot$path in boot* | */systemd/*) units_changed=yes ;; esac
  if put_file_back "$RUN/before/$n" "$state" "$path"; then sed -i "s/^$n [^ ]*/$n undone/" "$RUN/files"; else trouble "$path"; fi
done <<END_OF_FILES
$(tac "$RUN/files")
END_OF_FILES
sync`);

/**
 * Units that were touched, as they were. One that runs is not started anew for what a reload does: a start may fail,
 * where somebody else broke its configuration, and would leave none. At boot nothing runs yet: what did not run before is kept
 * from starting.
 */
const restoreUnits = raw(`[ -z "$units_changed" ] || timeout 60 systemctl daemon-reload
${shown.text}
# back UNIT ACTIVE-STATE UNIT-FILE-STATE INVOCATION STATE-CHANGE
back() {
  if [ "$(shown UnitFileState "$1")" != "$3" ]; then
    case $3 in
      enabled | disabled) systemctl unmask -- "$1"; systemctl "\${3%d}" -- "$1" ;;
      masked) systemctl mask -- "$1" ;;
    esac
  fi
  case $boot.$2 in
    .active | .reloading | .activating)
      if [ "$1" = ${FAIL2BAN} ] && [ -n "$files_back" ]; then
        if timeout 60 fail2ban-client reload; then return; fi
      elif [ -z "$units_changed" ] && systemctl -q is-active -- "$1" && [ "$(shown InvocationID "$1")" = "$4" ]; then
        [ "$(shown StateChangeTimestampMonotonic "$1")" = "$5" ] || timeout 90 systemctl reload -- "$1" || trouble "$1"
        return
      fi
      systemctl reset-failed -- "$1"
      timeout 90 systemctl restart -- "$1" || trouble "$1" ;;
    boot.active | boot.reloading | boot.activating) ;;
    boot.*) systemctl --no-block stop -- "$1" ;;
    *) timeout 90 systemctl stop -- "$1" || trouble "$1" ;;
  esac
}
sed 1d "$decided" | while read -r unit active file invocation changed; do
  back "$unit" "$active" "$file" "$invocation" "$changed" >/dev/null 2>&1 </dev/null
done`);

/** What a host that is just starting, or going down, neither has nor needs. */
const unlessBoot = (...code: readonly Sh[]): Sh =>
  lines([raw('if [ -z "$boot" ]; then'), ...code, raw('fi')]);

/** Rules go back by the programs that the job, and fail2ban, found: another iptables may have another back end. */
const asKept = (...code: readonly Sh[]): Sh =>
  lines([raw('( PATH=/usr/local/sbin:/usr/local/bin:$PATH'), ...code, raw(')')]);

/** Why nobody got in, where it was fail2ban: what `banned IP` prints, a list of lists of jails. Told in `banned`. */
const noteBan = (operator: string): Sh =>
  isIP(operator) === 0
    ? raw(':')
    : sh`if timeout 20 fail2ban-client banned ${operator} > "$RUN/banned" 2>/dev/null; then :; else rm -f "$RUN/banned"; fi`;

/** A jail that was started or reloaded may have found old failures of the operator, whoever had it reloaded. */
const unban = (operator: string): Sh =>
  isIP(operator) === 0 ? raw(':') : sh`timeout 20 fail2ban-client unban ${operator} >/dev/null 2>&1 || :`;

/** What became of it, for a person: nobody else sees what the script prints. */
const tellByHand = (guarded: readonly Change[]): Sh => {
  const stands = guarded.some(({ kind }) => kind === 'run-command')
    ? `; of a command the host puts ${PUT_BACK}`
    : '';
  return raw(`[ -n "$hand" ] || exit 0
if [ -e "$RUN/confirmed" ]; then echo 'Nothing to undo: a login confirmed what this run changed. harden rollback takes it back.'
elif ! [ -e "$RUN/undone" ]; then echo 'Nothing to undo: nothing that this run changed waits for a confirmation. harden rollback takes it back.'
elif [ -s "$RUN/trouble" ]; then
  when=
  [ -n "$owed" ] || when=' before'
  echo "Undone$when, but this could not be put back: $(paste -sd, "$RUN/trouble" | sed 's/,/, /g')${stands}."
  exit 1
elif [ -n "$owed" ]; then echo 'Undone: what nobody had confirmed is as it was before${stands}.'
else echo 'Nothing to undo: what nobody had confirmed was undone before${stands}.'; fi`);
};

/**
 * A script of its own that undoes the guarded changes unless they are confirmed; safe to run any number of times, by
 * the job and systemd when it ends (`job` as argument), the next boot (`boot`), or by hand from a console, which ends the job and prints
 * a sentence of what became of it. What could not be undone is told in `trouble`.
 */
export function rollbackScript(run: string, guarded: readonly Change[], operator: string): Sh {
  const rules = guarded
    .toReversed()
    .flatMap((change) =>
      change.kind === 'load-rules' ? [sh`${undoRules(change)} || trouble ${'the rules'}`] : [],
    );
  const tables = guarded.some(touchesFirewall);
  // or it would pass for done
  const marks = guarded.flatMap((change) =>
    change.kind === 'run-command' && change.mark !== undefined
      ? [sh`[ ! -f ${change.mark} ] || rm -f -- ${change.mark} || trouble ${change.mark}`]
      : [],
  );
  return lines([
    // what a change put in /usr/local does not stand in for what undoing needs
    raw('export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'),
    raw('umask 077'),
    sh`RUN=${run}`,
    raw(`boot= hand= owed=
[ -e "$RUN/undone" ] || owed=yes
case \${1:-hand} in
  boot) boot=boot ;;
  # a step that is at work would go on; ended, the job has this done
  hand) hand=yes; [ ! -e "$RUN/pending" ] || [ "$(readlink ${RUNS}/current)" != "$RUN" ] || systemctl stop ${JOB_UNIT} ;;
esac
# a host that goes down starts with what stood before; nothing can be started on it any more
[ "$(systemctl is-system-running 2>/dev/null)" != stopping ] || boot=boot`),
    putFileBack,
    raw(`trouble() { grep -qsxF -e "$*" "$RUN/trouble" || printf '%s\\n' "$*" >> "$RUN/trouble"; }
# whoever comes second waits until the first is done; what cannot be locked is undone all the same
if command exec 8>> "$RUN/undo.lock"; then flock 8; fi
mv -T "$RUN/pending" "$RUN/rolledback" 2>/dev/null && sync "$RUN"
# where nothing can be renamed nobody can confirm either
decided=$RUN/rolledback; [ -e "$decided" ] || decided=$RUN/pending
# one that was cut off in the middle is done again
if [ -e "$decided" ] && ! [ -e "$RUN/undone" ]; then
# the change may have filled the disk
rm -f "$RUN/reserve" "$RUN/trouble"`),
    unlessBoot(noteBan(operator)),
    restoreFiles,
    ...marks,
    ...(tables ? [restoreNetwork, restoreTables] : []),
    // the ban goes while the server still runs, too: it would remember it for its next start
    unlessBoot(
      ...(tables ? [raw('restore_network :')] : []),
      asKept(...rules, ...(tables ? [raw('restore_tables :')] : [])),
      unban(operator),
    ),
    restoreUnits,
    // a unit may need the network when it starts, and may change the rules when it starts or stops: what counts is how they end
    unlessBoot(
      ...(tables ? [raw('restore_network trouble'), asKept(raw('restore_tables trouble')), renewBans] : []),
      unban(operator),
    ),
    raw(`true 2>/dev/null > "$RUN/undone" || {
  [ -z "$hand" ] || echo "Undone as far as possible, which could not be noted in $RUN (is its disk full or read-only?): the next harden apply does it again."
  exit 1
}
sync "$RUN/undone" "$RUN"
logger -t harden 'a change that nobody confirmed was undone' 2>/dev/null || :
fi
if grep -qsF "$RUN/" ${BOOT_UNIT}; then
  rm -f ${BOOT_WANTS}/harden-undo.service ${BOOT_UNIT}
  [ ! -e "$RUN/made-wants" ] || rmdir ${BOOT_WANTS} 2>/dev/null
  sync /etc/systemd/system
fi`),
    tellByHand(guarded),
  ]);
}

/** Confirms over a new login: prints `confirmed`, `rolledback` or `gone`. */
export function confirmScript(run: string): Sh {
  return lines([
    sh`RUN=${run}`,
    raw('mv -T "$RUN/pending" "$RUN/confirmed" 2>/dev/null && sync "$RUN"'),
    raw('if [ -e "$RUN/confirmed" ]; then frame guard confirmed'),
    raw('elif [ -e "$RUN/rolledback" ]; then frame guard rolledback'),
    raw('else frame guard gone; fi'),
  ]);
}
