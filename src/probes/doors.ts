import { followLinks } from '../shell/links.ts';
import { lines, raw } from '../shell/quote.ts';
import { AUTHORIZED_KEYS } from './doors/authorized-keys.ts';
import { PAM_AND_UNITS } from './doors/pam-and-units.ts';
import { SSHD_CONFIG } from './doors/sshd-config.ts';
import { SUDOERS } from './doors/sudoers.ts';
import { defineProbe, present } from './probe.ts';

/**
 * What lets the login user and root in on this very host, wherever it lies. All paths are absolute: of what is reached
 * through links the places of these links as well as where they lead.
 */
export interface Doors {
  /** Home folders. */
  readonly homes: readonly string[];
  /** Shells, keys, what sshd, PAM and what greets run or read for a login, what sudoers includes: files, and folders with all that is in them. */
  readonly parts: readonly string[];
  /** What sshd_config includes: files, and folders in which a pattern looks for them. */
  readonly configs: readonly string[];
  /** Links in /etc, and where they lead. */
  readonly links: ReadonlyMap<string, string>;
}

/**
 * The doors of a host. Its own files are read, all blocks of `Match` as one: `sshd -T` would tell of one account and one
 * address, say nothing of what is included, and take longer than all of this. Unreadable unless everything was read.
 */
export const doorsProbe = defineProbe<'doors', Doors>({
  name: 'doors',
  key: () => 'doors',
  script: () =>
    lines([
      followLinks,
      raw(`# no words are split, only patterns expanded
IFS=
# a job has no login of its own
user=\${HARDEN_USER:-\${SUDO_USER:-$(id -un)}}
accounts=$(getent passwd "$user" root) || { echo "passwd does not tell of $user and root" >&2; exit 1; }
read -r host < /proc/sys/kernel/hostname
host=\${host%%.*}
export accounts host
told='
' keys= rcs=
place() {
  case $1 in *'
'*) echo 'a path has a line break' >&2; exit 1 ;; esac
  printf '%s %s\\n' "$kind" "$1"
}
# what root cannot read is an error; what another user cannot read this run cannot change either
can_read() { [ -f "$1" ] && { [ -r "$1" ] || [ -O / ]; }; }
# show KIND PATH
show() {
  kind=$1
  follow_links "$2" place
  place "$at"
}
# door KIND PATH: for what may be read as well; fails for what was told already
door() {
  case $told in *"
$1 $2
"*) return 1 ;; esac
  told="$told$1 $2
"
  show "$1" "$2"
}
keys() {
  door part "$1" && can_read "$1" && keys="$keys
$1"
}
# read_all PROGRAM FILE...: what the files name, and the files that they include
read_all() {
  program=$1
  shift
  while [ $# -gt 0 ]; do
    named=$(awk "$program" "$@") || exit 1
    named=$(printf '%s\\n' "$named" | awk '!told[$0]++')
    set --
    while IFS=' ' read -r what path; do
      case $what in
        config)
          case $path in *[*?[]*) folder=\${path%%[*?[]*}; door config "\${folder%/*}" ;; esac
          for file in $path; do door config "$file" && can_read "$file" && set -- "$@" "$file"; done ;;
        rules) door part "$path" && can_read "$path" && set -- "$@" "$path" ;;
        folder)
          door part "$path"
          for file in "$path"/*; do door part "$file" && can_read "$file" && set -- "$@" "$file"; done ;;
        keys) keys "$path" ;;
        # of a folder that a command names not all is part of the door
        run) [ -d "$path" ] || show part "$path" ;;
        part) show part "$path" ;;
      esac
    done <<END
$named
END
  done
}
while IFS=: read -r name password uid gid full home shell; do
  door home "$home"
  door part "\${shell:-/bin/sh}"
  door part "$home/.ssh"
  rcs="$rcs
$home/.ssh/rc"
  keys "$home/.ssh/authorized_keys"
  keys "$home/.ssh/authorized_keys2"
  for file in "$home"/.profile "$home"/.bash* "$home"/.z* "$home"/.*cshrc "$home"/.login "$home"/.pam_environment "$home"/.config/fish/config.fish; do
    [ ! -f "$file" ] || door part "$file"
  done
done <<END
$accounts
END
for name in sshd sudo; do
  file=$(command -v $name) && door part "$file"
done
! can_read /etc/ssh/sshd_config || read_all '${SSHD_CONFIG}' /etc/ssh/sshd_config
! can_read /etc/sudoers || read_all '${SUDOERS}' /etc/sudoers
set --
IFS='
'
for file in $rcs /etc/ssh/sshrc /etc/update-motd.d/* /etc/pam.d/* /etc/default/ssh /etc/systemd/system/ssh*.service /etc/systemd/system/ssh*.service.d/* /lib/systemd/system/ssh*.service; do
  ! can_read "$file" || set -- "$@" "$file"
done
IFS=
read_all '${PAM_AND_UNITS}' "$@"
IFS='
'
set -f
read_all '${AUTHORIZED_KEYS}' $keys
links=$(find /etc -ignore_readdir_race -xdev -maxdepth 4 '(' -path /etc/ssl/certs -o -path /etc/alternatives -o -path '/etc/rc?.d' -o -name '*.wants' -o -name .git ')' -prune -o -type l -print) || [ ! -O / ] || exit 1
[ -z "$links" ] || { echo; echo "$links"; readlink -m -- $links; }`),
    ]),
  parse(output) {
    const [places = '', etc = ''] = output.toString().split('\n\n');
    const of = (kind: string) =>
      [...new Set(places.split('\n'))].flatMap((line) =>
        // all that is in the root is no door
        line.startsWith(`${kind} /`) ? [line.slice(kind.length + 1)] : [],
      );
    const links = etc.split('\n').filter(Boolean);
    if (links.length % 2 !== 0) throw new Error('a link in /etc leads to a name with a line break');
    const half = links.length / 2;
    return new Map([
      [
        'doors',
        present({
          homes: of('home'),
          parts: of('part'),
          configs: of('config'),
          links: new Map(links.slice(0, half).map((from, index) => [from, links[half + index]!])),
        }),
      ],
    ]);
  },
});
