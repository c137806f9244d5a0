import { followLinks } from './links.ts';
import { lines, raw } from './quote.ts';
import { RUNS, STATE } from './records.ts';

/**
 * Shell functions on the folders that root runs scripts from. `not_ours` says why what lies there may be somebody else's, or
 * nothing; `close_folders` takes from others what an open mode gave them. Whoever owns a folder on the way, or a link,
 * chooses what lies at its end.
 */
export const ownFolders = lines([
  followLinks,
  raw(`TRUSTED="! -user 0 ! -user $(id -u)"
not_ours() {
  for folder in ${STATE} ${RUNS}; do
    if { [ -e "$folder" ] || [ -L "$folder" ]; } && ! [ -d "$folder" ]; then
      echo "$folder is no folder, and harden keeps its runs there"
      return
    fi
    found=
    link=$(foreign_link "$folder")
    [ -z "$link" ] || found="a link on the way to $folder belongs to $(id -un "$link" 2>/dev/null || echo "$link")"
    # by its name and where it leads; what harden makes itself is not on the way
    set --
    for way in "$folder" "$(readlink -f "$folder")"; do
      while way=\${way%/*}; [ -n "$way" ] && ! [ "$way" -ef ${STATE} ] && [ "$way" != ${STATE} ]; do set -- "$@" "$way"; done
    done
    [ $# = 0 ] || [ -n "$found" ] || found=$(find -H "$@" -maxdepth 0 '(' $TRUSTED -printf '%p belongs to %u' -quit ')' -o \\
      ! -perm -1000 '(' -perm -0002 -o -perm -0020 ! -group 0 ')' -printf 'others may write to %p' -quit)
    [ -n "$found" ] || found=$(find -H "$folder" -maxdepth 1 $TRUSTED -printf '%p belongs to %u' -quit 2>/dev/null)
    # one like /tmp, which root is not the only one to need
    [ -n "$found" ] || found=$(find -H "$folder" -maxdepth 0 -perm -1000 -perm /022 -printf 'anybody may write to %p' 2>/dev/null)
    [ -z "$found" ] || {
      echo "$found, and whoever that is could have root run what it likes, since harden keeps its runs in ${RUNS}"
      return
    }
  done
}
# whether others may write to FOLDER, which is root's own
open_folder() { [ -d "$1" ] && [ -z "$(foreign_link "$1")" ] && [ -n "$(find -H "$1" -maxdepth 0 -user 0 -perm /022 ! -perm -1000)" ]; }
close_folders() { for folder in ${STATE} ${RUNS}; do ! open_folder "$folder" || chmod 0700 "$folder"; done; }`),
]);

/** What to do where `not_ours` says something. */
export const ADVICE = `Look at what lies there (ls -laR ${STATE}), give back to root what is its own (chown -h root:root, chmod go-w) or move it away, and run again`;

/** Before a script relies on the folders: needs `ownFolders` and `frame`. */
export const mindFolders = raw(`wrong=$(not_ours)
if [ -z "$wrong" ]; then close_folders; wrong=$(not_ours); fi
[ -z "$wrong" ] || { frame refused "$(printf '%s. %s' "$wrong" '${ADVICE}' | head -c 900 | base64 -w0)="; exit 73; }`);
