import { raw } from './quote.ts';

/**
 * A shell function: `each_held COMMAND PATHS` runs COMMAND with each of the paths, which stand on a line each and have no link in them, and
 * with what keeps even root from changing it: `mount` (it is one itself, so nothing can take its place), `itself` or `folder` (read-only, immutable
 * or append-only), or '' for nothing. Who is not root has other limits.
 */
export const held =
  raw(`# the kernel escapes a blank as \\040; printf wants \\0040, or takes a digit of the name for one of the number
mounts="
$(printf %b "$(cut -d ' ' -f 5 /proc/self/mountinfo | sed 's/\\\\/\\\\0/g')")
"
# grows PATH: whether it can only be appended to, which [ -w ] calls writable
grows() {
  while IFS= read -r line; do
    [ "\${line#* }" != "$1" ] || case \${line%% *} in *a*) return 0 ;; esac
  done <<END_OF_ATTRIBUTES
$attributes
END_OF_ATTRIBUTES
  return 1
}
held() {
  held= folder=\${1%/*}
  [ -O / ] || return 0
  case $mounts in *"
$1
"*) held=mount; return ;; esac
  if [ -e "$1" ] && ! [ -w "$1" ]; then held=itself
  elif [ -d "\${folder:-/}" ] && ! [ -w "\${folder:-/}" ]; then held=folder
  elif grows "$1"; then held=itself
  elif grows "\${folder:-/}"; then held=folder
  fi
}
each_held() {
  command=$1 paths=$2
  [ -n "$paths" ] || return 0
  set --
  while IFS= read -r path; do folder=\${path%/*}; set -- "$@" "$path" "\${folder:-/}"; done <<END_OF_PATHS
$paths
END_OF_PATHS
  attributes=$(lsattr -d -- "$@" 2>/dev/null)
  while IFS= read -r path; do held "$path"; "$command" "$path" "$held"; done <<END_OF_PATHS
$paths
END_OF_PATHS
}`);
