import { CONTENT_LIMIT } from '../../probes/file.ts';
import { followLinks } from '../../shell/links.ts';
import { raw } from '../../shell/quote.ts';
import { STATE } from '../../shell/records.ts';

/** A shell function that stands on its own: the guard's undoing needs it too. */
export const putFileBack =
  raw(`# clear_temporary FOLDER: what a run left there that was cut off while it wrote; only one is ever at work
clear_temporary() {
  for left in "$1"/.harden.??????; do if [ -f "$left" ] || [ -L "$left" ]; then rm -f -- "$left"; fi; done
}
# put_file_back COPY STATE PATH: exactly as it was; PATH has no link in it
put_file_back() (
  case $2 in file | absent | attributes=* | directory=*) ;; *) exit 0 ;; esac
  dir=$(dirname -- "$3") name=./\${3##*/}
  [ -d "$dir" ] || [ "$2" != absent ] || exit 0
  # nobody who may rename a folder on the way can lead elsewhere what root does
  cd -- "$dir" && [ "$(pwd -P)" = "$dir" ] || exit 1
  case $2 in
    file) ;;
    absent)
      if [ -d "$name" ] && ! [ -L "$name" ]; then rmdir -- "$name"; else rm -f -- "$name"; fi
      exit ;;
    attributes=*)
      set -- $(echo "\${2#*=}" | tr , ' ')
      [ ! -L "$name" ] && chown -- "\${2##*/}:\${3##*/}" "$name" && chmod -- "0$1" "$name"
      exit ;;
    directory=*)
      set -- $(echo "\${2#*=}" | tr , ' ')
      [ -d "$name" ] || mkdir -- "$name" || exit
      chown -- "\${2##*/}:\${3##*/}" "$name" && chmod -- "0$1" "$name"
      exit ;;
  esac
  clear_temporary .
  tmp=$(mktemp ./.harden.XXXXXX) || exit
  cp -a --remove-destination -- "$1" "$tmp" && sync "$tmp" && mv -fT -- "$tmp" "$name" && sync . && exit 0
  rm -f -- "$tmp"
  exit 1
)`);

/**
 * Shell functions that the steps of a job share. `$RUN` is the run's directory; what they note in it is told in
 * `src/shell/records.ts`.
 */
export const stepLibrary = raw(`${followLinks.text}
fail() { echo "$*" >&2; exit 1; }
digest() { sha256sum < "$1" | cut -d' ' -f1; }
# note_file STATE PATH: sets $n, under which copies of it lie
note_file() {
  n=$(( $(wc -l < "$RUN/files") + 1 ))
  printf '%s\\n' "$n $1 $2" >> "$RUN/files"
  sync "$RUN/files"
}
# keep NAME PATH: what is at NAME can be put back to PATH
keep() {
  [ -e "$1" ] || { note_file absent "$2"; return; }
  copy=$RUN/before/$(( $(wc -l < "$RUN/files") + 1 ))
  { cp -a -- "$1" "$copy" && sync "$copy"; } ||
    { rm -f -- "$copy"; fail "$2 could not be kept in ${STATE} (is the disk full?); it was left alone"; }
  note_file file "$2"
}
# keep_attributes PATH: with the content of what could become a file that is written
keep_attributes() {
  if [ -f "$1" ] && [ "$(stat -c %s -- "$1")" -le ${CONTENT_LIMIT} ]; then keep "$1" "$1"
  else note_file "attributes=$(stat -c '%a,%U/%u,%G/%g' -- "$1")" "$1"; fi
}
# note_unit UNIT: how it is before it is controlled
note_unit() {
  state=$(systemctl show -P UnitFileState -- "$1")
  echo "$1 \${state:--} $(systemctl show -P ActiveState -- "$1")" >> "$RUN/units"
  sync "$RUN/units"
}
# is_down UNIT: fails with why a unit that was started does not run
is_down() {
  journalctl -q -n 5 -o cat -u "$1" >&2
  case $(systemctl show -p Type,RemainAfterExit,ConditionResult -- "$1" | sort | paste -sd ' ' -) in
    *ConditionResult=no*) fail "systemd does not start $1 while a condition of it is not met" ;;
    *'RemainAfterExit=no Type=oneshot'*) fail "$1 ended when its work was done, since it is of Type=oneshot, so it never counts as running: set RemainAfterExit=yes in a drop-in of it" ;;
  esac
  fail "$1 did not stay up"
}
${putFileBack.text}
# restore_files PATH...: puts back what this run replaced there or below; 1 if there was nothing, 2 if $lost is not back
restore_files() {
  found=1 lost=
  while read -r n state path; do
    for below in "$@"; do
      case $path in "$below" | "$below"/*) ;; *) continue ;; esac
      [ $found = 2 ] || found=0
      if put_file_back "$RUN/before/$n" "$state" "$path"; then sed -i "s/^$n [^ ]*/$n undone/" "$RUN/files"
      else found=2; lost="$lost $path"; fi
      break
    done
  done <<END_OF_FILES
$(tac "$RUN/files")
END_OF_FILES
  return $found
}
# opened PATH: whether descriptor 9 is PATH itself, not what a link there leads to
opened() { [ "$(readlink /proc/self/fd/9)" = "$1" ] || fail "$1 was replaced by a link after the plan was made; it was left alone"; }
# own OWNER GROUP MODE: of what descriptor 9 has open, so that nobody can put another file in its place; '' leaves one as
# it is; the owner first, because chown clears mode bits; a fifth digit, because chmod keeps a directory's setgid without it
own() {
  [ -z "$1" ] || chown -- "$1" /proc/self/fd/9
  [ -z "$2" ] || chgrp -- "$2" /proc/self/fd/9
  [ -z "$3" ] || chmod -- "0$3" /proc/self/fd/9
}
# attributes PATH MODE OWNER GROUP: of something that exists; PATH has no link in it
attributes() {
  command exec 9< "$1" || fail "$1 cannot be opened"
  opened "$1"
  keep_attributes "$1"
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
# enter PATH: into the folder of PATH, which is $dir without links; from then on only $name in it is used, so that nobody
# who may rename a folder on the way can lead elsewhere what root does
enter() {
  dir=$(real_folder "$1")
  name=./\${1##*/}
  cd -- "$dir" && [ "$(pwd -P)" = "$dir" ] || fail "$dir was replaced while $1 was looked at; it was left alone"
  path=\${dir%/}/\${1##*/}
}
# make_directory PATH MODE OWNER GROUP
make_directory() {
  enter "$1"
  keep "$name" "$path"
  mkdir -- "$name"
  command exec 9< "$name"
  opened "$path"
  # not what a setgid folder around it would choose
  own "$3" "\${4:-$(id -g)}" "$2"
  exec 9>&-
  sync "$name"
}
# write_file PATH BEFORE SHA256 MODE OWNER GROUP VALIDATE SENSITIVE: the whole content on standard input, or nothing changes
write_file() {
  before=$2 sum=$3 mode=$4 owner=$5 group=$6 validate=$7 sensitive=$8
  enter "$1"
  if [ "$before" = absent ]; then
    if [ -e "$name" ] || [ -L "$name" ]; then fail "$path appeared after the plan was made; it was left alone"; fi
  elif ! [ -f "$name" ] || [ -L "$name" ] || [ "$(digest "$name")" != "$before" ]; then
    fail "$path changed after the plan was made; it was left alone"
  fi
  # of root only a file system that takes no writes says that
  [ -w . ] || fail "$dir is on a file system that is read-only; $path was left alone"
  clear_temporary .
  tmp=$(mktemp -u ./.harden.XXXXXX)
  # made anew or not at all: no link of somebody else's is written through
  set -C
  command exec 9> "$tmp" || fail "no file can be made in $dir; $path was left alone"
  set +C
  trap 'rm -f -- "$tmp" "$RUN/model"' EXIT
  # who may read it is settled before anything stands in it
  if [ "$before" = absent ]; then mode=\${mode:-0644} group=\${group:-$(id -g)}
  else
    own "$(stat -c %u -- "$name")" "$(stat -c %g -- "$name")" ''
    cp --attributes-only --preserve=xattr -- "$name" /proc/self/fd/9 2>/dev/null || :
    # its ACL with it; by way of a model that only root sees, so that nobody opens by the old mode what the new one closes
    # a new one each time: onto one that is there cp clears no setuid bit
    rm -f -- "$RUN/model"
    cp --attributes-only --preserve=mode -- "$name" "$RUN/model"
    [ -z "$mode" ] || chmod -- "0$mode" "$RUN/model"
    cp --attributes-only --preserve=mode -- "$RUN/model" /proc/self/fd/9
  fi
  own "$owner" "$group" "$mode"
  # what is wrong with it is said by what arrived
  cat >&9 || :
  [ "$(digest /proc/self/fd/9)" = "$sum" ] || fail "$path could not be written in full (is the disk full?); it was left alone"
  valid() ( cd / && sh -c "$validate" sh "\${dir%/}/\${tmp#./}" )
  if [ -z "$validate" ]; then :
  elif [ -n "$sensitive" ]; then
    # what it complains of is what must not be shown
    valid >/dev/null 2>&1 || fail "the new $path is not valid: its validate command ended with exit status $?, and what it said is not shown, because the file is sensitive; the old one was left alone"
  else valid || fail "the new $path is not valid; the old one was left alone"; fi
  keep "$name" "$path"
  sync /proc/self/fd/9
  cp -- "$tmp" "$RUN/after/$n" ||
    { rm -f "$RUN/after/$n"; fail "what $path was to be could not be kept in ${STATE} (is the disk full?); it was left alone"; }
  mv -fT -- "$tmp" "$name" || fail "$path could not be replaced (is it a mount of its own, or immutable?); it was left alone"
  trap - EXIT
  exec 9>&-
  rm -f -- "$RUN/model"
  sync .
}
# remove_file PATH SHA256: the file that was seen, and no other
remove_file() {
  enter "$1"
  [ -f "$name" ] && ! [ -L "$name" ] && [ "$(digest "$name")" = "$2" ] || fail "$path changed after the plan was made; it was left alone"
  keep "$name" "$path"
  rm -f -- "$name"
  sync .
}
# restore_file PATH NOW COPY: NOW is the sha256 that was seen, or absent; COPY is what an earlier run kept of it
restore_file() {
  kept=$3
  enter "$1"
  if [ "$2" = absent ]; then
    if [ -e "$name" ] || [ -L "$name" ]; then fail "$path appeared after the plan was made; it was left alone"; fi
  elif ! [ -f "$name" ] || [ -L "$name" ] || [ "$(digest "$name")" != "$2" ]; then
    fail "$path changed after the plan was made; it was left alone"
  fi
  keep "$name" "$path"
  cp -a -- "$kept" "$RUN/after/$n"
  put_file_back "$kept" file "$path" || fail "$path could not be replaced (is it a mount point, or the disk full?); it was left alone"
}
# remove_directory PATH
remove_directory() {
  enter "$1"
  note_file "directory=$(stat -c '%a,%U/%u,%G/%g' -- "$name")" "$path"
  rmdir -- "$name" || fail "$path is not empty any more; it was left alone"
  sync .
}`);
