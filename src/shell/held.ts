import { raw } from './quote.ts';

/**
 * A shell function: `held PATH`, which has no link in it, sets $held to what keeps even root from changing it: `mount` (it is one
 * itself, so nothing can take its place), `itself` or `folder` (read-only, immutable or append-only), or nothing. Who is not root has other limits.
 */
export const held =
  raw(`# the kernel escapes a blank as \\040; printf wants \\0040, or takes a digit of the name for one of the number
mounts="
$(printf %b "$(cut -d ' ' -f 5 /proc/self/mountinfo | sed 's/\\\\/\\\\0/g')")
"
held() {
  held= folder=\${1%/*}
  [ -O / ] || return 0
  case $mounts in *"
$1
"*) held=mount; return ;; esac
  if [ -e "$1" ] && ! [ -w "$1" ]; then held=itself
  elif [ -d "\${folder:-/}" ] && ! [ -w "\${folder:-/}" ]; then held=folder
  else
    # what can only be appended to counts as writable
    held=$(lsattr -d -- "$1" "\${folder:-/}" 2>/dev/null | while IFS=' ' read -r flags path; do
      case $flags in *a*) if [ "$path" = "$1" ]; then echo itself; else echo folder; fi; break ;; esac
    done)
  fi
}`);
