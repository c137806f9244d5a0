import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { RUN_ID, records, STATE } from '../shell/records.ts';

/**
 * A shell function: `retire RUN` forgets a run, but not what it alone knows of the time before harden: that moves to
 * `origins`, which keeps one entry a path. Fails, and forgets nothing, where not all of that could be written.
 */
export const retire = (state: string = STATE): Sh =>
  lines([
    records(state),
    raw(`# keep_originals RUN: copies the old contents that only it has, and prints the entries of all
keep_originals() {
  while read -r before state after path; do
    case $before in
      "$store"/*) key=\${before##*/} ;;
      "$1"/*) key=\${1##*/}.\${before##*/}; [ ! -e "$before" ] || cp -a -- "$before" "$store/before/$key" || return ;;
      *) continue ;;
    esac
    case $after in "$1"/*) [ ! -e "$after" ] || cp -a -- "$after" "$store/after/$key" || return ;; esac
    printf '%s\\n' "$key $state $path" || return
  done < "$store/all.new"
}
retire() {
  store=${state}/origins
  mkdir -p "$store/before" "$store/after" &&
    origins > "$store/all.new" && keep_originals "$1" > "$store/files.new" &&
    unit_origins > "$store/units.new" &&
    package_origins | sed 's/^/installed /' > "$store/packages.new" &&
    sensitive_paths | sort -u > "$store/sensitive.new" &&
    sync -f "$store" || { rm -f "$store"/*.new; return 1; }
  for name in files units packages sensitive; do mv -fT "$store/$name.new" "$store/$name" || return; done
  for name in before after; do
    ls "$store/$name" | while read -r key; do grep -q "^$key " "$store/files" || rm -f -- "$store/$name/$key"; done
  done
  rm -f "$store/all.new"
  sync -f "$store"
  rm -rf -- "$1"
}`),
  ]);

/** How many runs a host remembers, and for how many days. */
const KEPT_RUNS = 10;
const KEPT_DAYS = 30;

/**
 * Retires old runs, each with all its waves, but not `spared`; the oldest first, for what a later one gave back must not
 * come up again. By the order of their scripts: ids sort by the operators' clocks, and that of the host may be put back. Needs `retire`.
 */
export const retireOld = (spared: string, state: string = STATE): Sh =>
  sh`ls -1t ${raw(state)}/runs/*/job.sh | awk -F/ -v spared=${spared} -v kept=${KEPT_RUNS} '
  { run = substr($(NF - 1), 1, ${raw(String(RUN_ID))}) }
  run == "current" || run == spared { next }
  !(run in seen) { seen[run] = ++count }
  { sub("/job.sh$", ""); print (seen[run] < kept ? "young" : "old"), $0 }' | tac | while read -r age folder; do
  [ "$age" = young ] && [ -z "$(find "$folder/job.sh" -mtime ${`+${KEPT_DAYS}`})" ] || retire "$folder" || break
done
# of runs that never began
find ${raw(state)}/runs -mindepth 1 -maxdepth 1 -type d -mtime +1 | while read -r folder; do [ -e "$folder/job.sh" ] || rm -rf -- "$folder"; done`;
