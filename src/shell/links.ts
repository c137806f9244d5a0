import { raw } from './quote.ts';

/**
 * A shell function: `foreign_link PATH` prints the uid of the first symbolic link on the way to PATH, itself included,
 * that does not belong to root. Whoever owns such a link chooses what PATH is: what root does to it, root would do to
 * any file of that person's choice.
 */
export const foreignLink = raw(`foreign_link() {
  rest=$1 at= hops=0
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    case $name in ''|.) continue ;; ..) at=\${at%/*}; continue ;; esac
    if [ -L "$at/$name" ]; then
      hops=$((hops + 1))
      [ $hops -le 40 ] || return 0
      uid=$(stat -c %u -- "$at/$name")
      [ "$uid" = 0 ] || { echo "$uid"; return; }
      target=$(readlink -n -- "$at/$name"; echo .)
      target=\${target%.}
      case $target in /*) at= ;; esac
      rest=$target/$rest
    else at=$at/$name; fi
  done
}`);
