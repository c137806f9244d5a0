import { frameFunctions, script } from '../shell/frame.ts';
import { mindFolders, ownFolders } from '../shell/own-folders.ts';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { JOB_UNIT, RUNS, working } from '../shell/records.ts';
import { confirmScript } from './guard.ts';
import { directory, UNDOING } from './job.ts';

/**
 * Follows a run that is under way or over: its journal from the start, what became of the guard. A script that was to lay it down
 * may still be at that. Where none has begun to, none ever will: its directory is made first, and `absent` is said.
 */
export function followScript(id: string): string {
  return following(
    id,
    raw(`# begun TENTHS: waits that long at most
begun() { i=0; until [ -s "$RUN/journal" ] || [ $i -ge "$1" ]; do sleep 0.1; i=$((i + 1)); done; [ -s "$RUN/journal" ]; }
begun 20 || {
  mkdir -p -m 0700 ${RUNS} 2>/dev/null
  if mkdir "$RUN" 2>/dev/null || ! [ -d "$RUN" ]; then frame absent; exit; fi
  # once its folder is renamed it can neither be laid down nor begin
  begun 200 || working || { mv -T "$RUN" "$RUN.never"; rm -rf -- "$RUN.never"; frame absent; exit; }
}`),
  );
}

/** Finishes undoing a run whose undoing was cut off in its middle, under the name that is the lock; then as `followScript`. */
export function undoScript(id: string): string {
  return following(
    id,
    raw(
      `working || systemd-run --quiet --collect --wait --unit=${JOB_UNIT} /bin/sh "$RUN/rollback.sh" job >/dev/null 2>&1`,
    ),
  );
}

/** Notes that nothing is left to do of a run that was cut off. Whatever else begins there meanwhile, that stays true, so it needs no lock. */
export function settleScript(id: string): string {
  return script(
    lines([
      frameFunctions(id),
      ownFolders,
      mindFolders,
      sh`RUN=${directory(id)}`,
      raw(': > "$RUN/settled" && sync "$RUN/settled" "$RUN"'),
    ]),
  );
}

/** A script that does something about a run whose folders are root's own, and then follows it. */
const following = (id: string, first: Sh): string =>
  script(
    lines([frameFunctions(id), ownFolders, mindFolders, working, sh`RUN=${directory(id)}`, first, follow]),
    { listens: true },
  );

/**
 * Whoever follows can ask the job to end: it finishes the step it is at and undoes what is not confirmed. The word comes in over
 * the channel that is held, since a new login, or a new sudo, may be what the job has just made impossible.
 */
export const follow =
  raw(`{ IFS= read -r word && [ "$word" = stop ] && : > "$RUN/stop"; } <&7 >/dev/null 2>&1 &
listener=$!
exec 7<&-
pid=$(systemctl show -P MainPID ${JOB_UNIT})
if [ "$(readlink ${RUNS}/current)" = "$RUN" ] && [ "$pid" != 0 ]; then tail -n +1 -s 0.1 --pid="$pid" -f "$RUN/journal"
else cat "$RUN/journal"; fi
# the job is over, yet systemd may still be undoing what nobody confirmed; and as long as it is, the host stays locked
i=0
while [ $i -lt ${UNDOING * 10} ] && [ "$(readlink ${RUNS}/current)" = "$RUN" ] && working; do sleep 0.1; i=$((i + 1)); done
for state in pending confirmed rolledback; do if [ -e "$RUN/$state" ]; then frame guard "$state"; fi; done
[ ! -s "$RUN/banned" ] || frame banned "$(head -c 1000 "$RUN/banned" | base64 -w0)="
if [ -e "$RUN/rolledback" ] && ! [ -e "$RUN/undone" ]; then echo 'perhaps more, since undoing was cut off (harden apply finishes it)'; fi |
  cat -s "$RUN/trouble" - 2>/dev/null | head -c 2000 | base64 -w0 | { IFS= read -r words; [ -z "$words" ] || frame trouble "$words="; }
# or the channel would stay open
kill "$listener" 2>/dev/null || :`);

/** A whole script that confirms a run; it is sent over a new connection. */
export function confirmation(id: string): string {
  return script(lines([frameFunctions(id), confirmScript(directory(id))]));
}
