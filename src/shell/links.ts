import { raw } from './quote.ts';

/**
 * Shell functions: `follow_links PATH COMMAND` runs COMMAND with the place of each symbolic link on the way to PATH, itself included,
 * until one fails; then PATH leads to $at, '' for the root. Fails where a link goes away meanwhile.
 *
 * `foreign_link PATH` prints the uid of the first such link that does not belong to root. Whoever owns it chooses what
 * PATH is: what root does to it, root would do to any file of that person's choice.
 */
export const followLinks = raw(`follow_links() {
  rest=$1 at= hops=0
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    case $name in ''|.) continue ;; ..) at=\${at%/*}; continue ;; esac
    if [ -L "$at/$name" ]; then
      hops=$((hops + 1))
      [ $hops -le 40 ] || return 0
      "$2" "$at/$name" || return 0
      target=$(readlink -n -- "$at/$name"; echo .)
      target=\${target%.}
      # it is no link any more
      [ -n "$target" ] || return 1
      case $target in /*) at= ;; esac
      rest=$target/$rest
    else at=$at/$name; fi
  done
}
is_foreign() { uid=$(stat -c %u -- "$1"); [ "$uid" = 0 ] || { echo "$uid"; return 1; }; }
foreign_link() { follow_links "$1" is_foreign; }`);
