import { raw } from '../../shell/quote.ts';

/**
 * Shell functions that the steps of a job share. `$RUN` is the run's directory. `files` in it lists what was
 * replaced, one a line: number, `file` or `absent`, path; old contents lie in `before/NUMBER`.
 */
export const stepLibrary = raw(`fail() { echo "$*" >&2; exit 1; }
digest() { sha256sum < "$1" | cut -d' ' -f1; }
# keep PATH: what is at PATH can be put back
keep() {
  n=$(( $(wc -l < "$RUN/files") + 1 ))
  if [ -e "$1" ]; then cp -a -- "$1" "$RUN/before/$n"; sync "$RUN/before/$n"; echo "$n file $1" >> "$RUN/files"
  else echo "$n absent $1" >> "$RUN/files"; fi
  sync "$RUN/files"
}
# restore_files DIRECTORY: puts back what this run replaced below it; fails if there was nothing
restore_files() {
  found=1
  tac "$RUN/files" > "$RUN/files.reversed"
  while read -r n state path; do
    case $path in "$1"/*) ;; *) continue ;; esac
    found=0
    if [ "$state" = file ]; then
      tmp=$(mktemp "$(dirname -- "$path")/.harden.XXXXXX")
      cp -a -- "$RUN/before/$n" "$tmp" && mv -fT -- "$tmp" "$path"
    else rm -f -- "$path"; fi
  done < "$RUN/files.reversed"
  rm -f "$RUN/files.reversed"
  return $found
}
# attributes PATH MODE OWNER GROUP: '' leaves one as it is; the owner first, because chown clears mode bits
attributes() {
  [ -z "$3" ] || chown -- "$3" "$1"
  [ -z "$4" ] || chgrp -- "$4" "$1"
  [ -z "$2" ] || chmod -- "$2" "$1"
}
# write_file PATH BEFORE SHA256 MODE OWNER GROUP VALIDATE: the whole content on standard input, or nothing changes
write_file() {
  path=$1 before=$2 sum=$3 mode=$4 owner=$5 group=$6 validate=$7
  dir=$(dirname -- "$path")
  [ -d "$dir" ] || fail "$dir does not exist"
  if [ "$before" = absent ]; then
    if [ -e "$path" ] || [ -L "$path" ]; then fail "$path appeared after the plan was made; it was left alone"; fi
  elif ! [ -f "$path" ] || [ "$(digest "$path")" != "$before" ]; then
    fail "$path changed after the plan was made; it was left alone"
  fi
  tmp=$(mktemp "$dir/.harden.XXXXXX") || fail "no file can be made in $dir; $path was left alone"
  trap 'rm -f -- "$tmp"' EXIT
  cat > "$tmp"
  [ "$(digest "$tmp")" = "$sum" ] || fail "$path could not be written in full (is the disk full?); it was left alone"
  if [ "$before" = absent ]; then chmod 0644 "$tmp"
  else
    cp --attributes-only --preserve=mode,ownership -- "$path" "$tmp"
    cp --attributes-only --preserve=xattr -- "$path" "$tmp" 2>/dev/null || :
  fi
  attributes "$tmp" "$mode" "$owner" "$group"
  if [ -n "$validate" ]; then sh -c "$validate" sh "$tmp" || fail "the new $path is not valid; the old one was left alone"; fi
  keep "$path"
  sync "$tmp"
  mv -fT -- "$tmp" "$path" || fail "$path could not be replaced (is it a mount point?); it was left alone"
  trap - EXIT
  sync "$dir"
}`);
