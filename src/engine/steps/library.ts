import { foreignLink } from '../../shell/links.ts';
import { raw } from '../../shell/quote.ts';

/**
 * Shell functions that the steps of a job share. `$RUN` is the run's directory. `files` in it lists what was
 * replaced, one a line: number, `file` or `absent`, path; old contents lie in `before/NUMBER`.
 */
export const stepLibrary = raw(`${foreignLink.text}
fail() { echo "$*" >&2; exit 1; }
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
# opened PATH: whether descriptor 9 is PATH itself, not what a link there leads to
opened() { [ "$(readlink /proc/self/fd/9)" = "$1" ] || fail "$1 was replaced by a link after the plan was made; it was left alone"; }
# own PATH OWNER GROUP MODE: of what descriptor 9 has open, so that nobody can put another file in its place; '' leaves
# one as it is; the owner first, because chown clears mode bits
own() {
  [ -z "$1" ] || chown -- "$1" /proc/self/fd/9
  [ -z "$2" ] || chgrp -- "$2" /proc/self/fd/9
  [ -z "$3" ] || chmod -- "$3" /proc/self/fd/9
}
# attributes PATH MODE OWNER GROUP: of something that exists; PATH has no link in it
attributes() {
  command exec 9< "$1" || fail "$1 cannot be opened"
  opened "$1"
  own "$3" "$4" "$2"
  exec 9>&-
}
# real_folder PATH: the folder of PATH without links; fails if a link on the way is not root's
real_folder() {
  dir=$(dirname -- "$1")
  [ -d "$dir" ] || fail "$dir does not exist"
  [ -z "$(foreign_link "$dir")" ] || [ "$(foreign_link "$dir")" = "$(stat -L -c %u -- "$dir")" ] ||
    fail "a link on the way to $1 belongs to another user than $dir; it was left alone"
  readlink -f -- "$dir"
}
# make_directory PATH MODE OWNER GROUP
make_directory() {
  folder=$(real_folder "$1")
  real=\${folder%/}/\${1##*/}
  mkdir -- "$real"
  attributes "$real" "$2" "$3" "$4"
  sync "$real"
}
# write_file PATH BEFORE SHA256 MODE OWNER GROUP VALIDATE: the whole content on standard input, or nothing changes
write_file() {
  path=$1 before=$2 sum=$3 mode=$4 owner=$5 group=$6 validate=$7
  dir=$(real_folder "$path")
  if [ "$before" = absent ]; then
    if [ -e "$path" ] || [ -L "$path" ]; then fail "$path appeared after the plan was made; it was left alone"; fi
  elif ! [ -f "$path" ] || [ -L "$path" ] || [ "$(digest "$path")" != "$before" ]; then
    fail "$path changed after the plan was made; it was left alone"
  fi
  tmp=$(mktemp -u "\${dir%/}/.harden.XXXXXX")
  # made anew or not at all: no link of somebody else's is written through
  set -C
  command exec 9> "$tmp" || fail "no file can be made in $dir; $path was left alone"
  set +C
  trap 'rm -f -- "$tmp"' EXIT
  # who may read it is settled before anything stands in it
  if [ "$before" = absent ]; then mode=\${mode:-0644}
  else
    own "$(stat -c %u -- "$path")" "$(stat -c %g -- "$path")" ''
    cp --attributes-only --preserve=xattr -- "$path" /proc/self/fd/9 2>/dev/null || :
    [ -n "$mode" ] || cp --attributes-only --preserve=mode -- "$path" /proc/self/fd/9
  fi
  own "$owner" "$group" "$mode"
  cat >&9
  [ "$(digest /proc/self/fd/9)" = "$sum" ] || fail "$path could not be written in full (is the disk full?); it was left alone"
  if [ -n "$validate" ]; then sh -c "$validate" sh "$tmp" || fail "the new $path is not valid; the old one was left alone"; fi
  keep "$path"
  sync /proc/self/fd/9
  mv -fT -- "$tmp" "$path" || fail "$path could not be replaced (is it a mount point?); it was left alone"
  trap - EXIT
  exec 9>&-
  sync "$dir"
}`);
