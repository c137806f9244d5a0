import { raw, type Sh } from './quote.ts';

/** What harden keeps on a host, readable by root only. */
export const STATE = '/var/lib/harden';

/** Each run's journal, old contents and rollback. */
export const RUNS = `${STATE}/runs`;

/** Characters of a run's id: lower-case hexadecimal. Those of its waves are longer. */
export const RUN_ID = 24;

/** The one name of a job's transient unit is the host's lock: systemd has only one of a name. */
export const JOB_UNIT = 'harden-run.service';

/** A shell function: whether a job is at work on the host, or systemd is undoing one. */
export const working = raw(
  `working() { case $(systemctl show -P ActiveState ${JOB_UNIT}) in active|activating|deactivating|reloading) ;; *) return 1 ;; esac; }`,
);

/**
 * Shell functions that read what runs noted of the time before harden. A run notes in
 * - `files`: `N STATE PATH`, STATE one of `file` (its content lies in `before/N`), `absent`, `attributes=MODE,OWNER,GROUP`,
 *   `directory=MODE,OWNER,GROUP` (which it removed), `undone` (by this run itself) and `forgotten` (given back: what stood before no longer counts);
 *   what was written lies in `after/N`;
 * - `units`: `UNIT UNIT-FILE-STATE ACTIVE-STATE` before it was first controlled, or `UNIT forgotten`;
 * - `packages`: `installed NAME`, or `removed NAME`;
 * - `plan.json`: among others the paths of what must not be shown.
 *
 * `origins` prints a line a path: where its old content lies, state, where what was last written lies, path. With an
 * argument, also of what was given back meanwhile.
 */
export const records = (state: string = STATE): Sh =>
  raw(`# what outlived its run first, then the runs in the order in which they were laid down
record_folders() {
  echo ${state}/origins
  ls -1tr ${state}/runs/*/job.sh 2>/dev/null | sed 's#/job\\.sh$##' | grep -v '/current$'
}
# newest RUN: its script is newer than those of all others, also where the clock was put back since they were laid down
newest() {
  last=$(ls -1t ${state}/runs/*/job.sh | grep -v '/current/' | head -n 1)
  [ "$last" = "$1/job.sh" ] || touch -r "$last" -d '+1 second' "$1/job.sh"
}
origins() {
  record_folders | while read -r folder; do [ ! -f "$folder/files" ] || sed "s#^#$folder #" "$folder/files"; done | awk -v all="\${1:-}" '
    { path = $0; for (i = 0; i < 3; i++) sub(/^[^ ]* /, "", path) }
    $3 == "undone" { next }
    $3 == "forgotten" { if (all) next; delete first[path]; delete last[path]; next }
    !(path in first) || (first[path] ~ / attributes=/ && $3 == "file") { first[path] = $1 "/before/" $2 " " $3 }
    $3 !~ /^(attributes|directory)=/ { last[path] = $1 "/after/" $2 }
    END { for (path in first) print first[path], (path in last ? last[path] : "-"), path }'
}
# sensitive_paths: "sensitive":["PATH",…] of each plan that names any; inside a text of one the quotes would be escaped
sensitive_paths() {
  set --
  for notes in ${state}/origins/sensitive ${state}/runs/*/plan.json; do [ ! -e "$notes" ] || set -- "$@" "$notes"; done
  [ $# = 0 ] || grep -aohE '"sensitive":\\["([^"\\\\]|\\\\.)*"(,"([^"\\\\]|\\\\.)*")*]' "$@" || [ $? = 1 ]
}
unit_origins() {
  record_folders | while read -r folder; do [ ! -f "$folder/units" ] || cat "$folder/units"; done |
    awk -v all="\${1:-}" '$2 == "forgotten" { if (!all) delete first[$1]; next } !($1 in first) { first[$1] = $0 } END { for (unit in first) print first[unit] }'
}
# runs of 0.1.0 did not note packages: what they were to install stands in their script, what came with it in apt's own log
package_origins() {
  record_folders | while read -r folder; do
    if [ -f "$folder/packages" ]; then cat "$folder/packages"
    elif [ -f "$folder/job.sh" ] && ! grep -aqE '^@@[0-9a-f]+ step [0-9]+ [1-9]' "$folder/journal"; then
      sed -n 's/^apt install -- \\(.*\\) || {.*/\\1/p' "$folder/job.sh" | tr -d "'" | while read -r names; do
        printf '%s\\n' $names
        zcat -f /var/log/apt/history.log* 2>/dev/null | TOLD="install -- $names" awk '
          BEGIN { RS = ""; FS = "\\n" }
          { ours = 0
            for (i = 1; i <= NF; i++) {
              told = length($i) - length(ENVIRON["TOLD"]) + 1
              if ($i ~ /^Commandline: apt-get .*DPkg::Lock::Timeout=300 / && substr($i, told) == ENVIRON["TOLD"]) ours = 1
              if (ours && sub(/^Install: /, "", $i)) { gsub(/ \\([^)]*\\)/, "", $i); gsub(/:[^, ]*/, "", $i); gsub(/, /, "\\n", $i); print $i }
            } }'
      done | sed 's/^/installed /'
    fi
  done | awk '$1 == "installed" { made[$2] = 1 } $1 == "removed" { delete made[$2] } END { for (name in made) print name }'
}`);
