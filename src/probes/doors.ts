import { followLinks } from '../shell/links.ts';
import { lines, raw } from '../shell/quote.ts';
import { defineProbe, present } from './probe.ts';

/**
 * What lets the login user and root in on this very host, wherever it lies. All paths are absolute: of what is reached
 * through links the places of these links as well as where they lead.
 */
export interface Doors {
  /** Home folders. */
  readonly homes: readonly string[];
  /** Shells, keys, what sshd and PAM run or read for a login, what sudoers includes: files, and folders with all that is in them. */
  readonly parts: readonly string[];
  /** What sshd_config includes: files, and folders in which a pattern looks for them. */
  readonly configs: readonly string[];
  /** Links in /etc, and where they lead. */
  readonly links: ReadonlyMap<string, string>;
}

/** What files of sshd name: `config PATTERN`, `run WORD`, `keys PATH` or `part PATH`, a line each, for each account. */
const SSHD = `
function expand(word, i,   out, token) {
  out = ""
  while (match(word, /%./)) {
    token = substr(word, RSTART + 1, 1)
    out = out substr(word, 1, RSTART - 1) (token == "u" ? name[i] : token == "h" ? home[i] : token == "U" ? uid[i] : "%")
    word = substr(word, RSTART + 2)
  }
  return out word
}
function tell(kind, word,   i, path) {
  for (i = 1; i <= count; i++) {
    path = expand(word, i)
    if (path ~ /^\\//) print kind, path
    else if (kind != "run") print kind, home[i] "/" path
  }
}
BEGIN {
  count = split(ENVIRON["accounts"], line, "\\n")
  for (i = 1; i <= count; i++) { split(line[i], field, ":"); name[i] = field[1]; uid[i] = field[3]; home[i] = field[6] }
}
{
  sub(/^[ \\t]+/, "")
  if (!match($0, /^[A-Za-z]+/)) next
  key = tolower(substr($0, 1, RLENGTH)); rest = substr($0, RLENGTH + 1)
  if (key == "include") kind = "config"
  else if (key == "authorizedkeysfile") kind = "keys"
  else if (key ~ /^(force|authorizedkeys|authorizedprincipals)command$/) kind = "run"
  else if (key ~ /^(authorizedprincipalsfile|trustedusercakeys|revokedkeys|host(key|certificate|keyagent)|chrootdirectory|securitykeyprovider)$/) kind = "part"
  else next
  sub(/^[ \\t]*=/, "", rest)
  if (kind == "run") gsub(/["\\047]/, " ", rest)
  sub(/^[ \\t]+/, "", rest)
  while (match(rest, /^("[^"]*"|\\047[^\\047]*\\047|[^ \\t\\r"\\047]+)/)) {
    word = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
    sub(/^[ \\t\\r]+/, "", rest)
    if (word ~ /^#/) break
    gsub(/^["\\047]|["\\047]$/, "", word)
    if (kind != "config") tell(kind, word)
    else print kind, (word ~ /^\\// ? word : "/etc/ssh/" word)
  }
}`;

/** What files of sudo include: `rules PATH` or `folder PATH`. */
const SUDO = `
match($0, /^[ \\t]*[@#]include(dir)?[ \\t]+/) {
  kind = substr($0, 1, RLENGTH) ~ /dir/ ? "folder" : "rules"
  path = substr($0, RLENGTH + 1)
  gsub(/^"|"?[ \\t\\r]*$|\\\\/, "", path)
  gsub(/%h/, ENVIRON["host"], path)
  own = FILENAME; sub(/[^\\/]*$/, "", own)
  print kind, (path ~ /^\\// ? path : own path)
}`;

/** The commands that keys are bound to: `run WORD`. */
const KEYS = `
!/^[ \\t]*#/ && match($0, /command="([^"\\\\]|\\\\.)*"/) {
  count = split(substr($0, RSTART + 9, RLENGTH - 10), word, /["\\047\\\\ \\t]+/)
  for (i = 1; i <= count; i++) if (word[i] ~ /^\\//) print "run", word[i]
}`;

/** What PAM and the units of sshd name, but for what only greets: `run PATH`. Where a name depends on the user, all in its folder. */
const WORDS = `
!/^[ \\t]*#|pam_(env|motd|mail|lastlog|issue|echo)/ {
  count = split($0, word, /[ \\t\\r"\\047=]+/)
  for (i = 1; i <= count; i++) {
    sub(/^[-@:+!]+/, "", word[i])
    kind = sub(/\\/[^\\/]*[$%].*/, "", word[i]) ? "part" : "run"
    if (word[i] ~ /^\\//) print kind, word[i]
  }
}`;

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
' keys=
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
! can_read /etc/ssh/sshd_config || read_all '${SSHD}' /etc/ssh/sshd_config
! can_read /etc/sudoers || read_all '${SUDO}' /etc/sudoers
set --
for file in /etc/pam.d/* /etc/default/ssh /etc/systemd/system/ssh*.service /etc/systemd/system/ssh*.service.d/* /lib/systemd/system/ssh*.service; do
  ! can_read "$file" || set -- "$@" "$file"
done
read_all '${WORDS}' "$@"
IFS='
'
set -f
read_all '${KEYS}' $keys
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
