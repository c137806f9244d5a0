import { raw, type Sh } from '../shell/quote.ts';

/**
 * What addresses and routes there are, a line each, as `ip` takes it to add one: by the names of links, since their numbers change, and
 * without what only tells of a state. Not `ip route save`: its restore stops at the first route that the kernel refuses, such as one of a
 * link without a carrier, or of a link that is gone, and leaves out what comes after.
 */
const shown = raw(`shown_addresses() {
  ip -o addr show | awk '{
    sub(/\\\\.*/, "")
    line = $4
    for (i = 5; i < NF; i++) if ($i ~ /^(peer|brd|scope)$/) { line = line " " $i " " $(i + 1); i++ }
    print line, "dev", $2
  }'
}
shown_routes4() { ip -4 -o route show | routes; }
# a host without IPv6 has none to tell of
shown_routes6() { [ ! -e /proc/net/if_inet6 ] || ip -6 -o route show | routes; }
routes() {
  awk '{
    gsub(/\\\\/, " ")
    line = ""
    for (i = 1; i <= NF; i++) {
      # a link may be called anything
      if ($i == "dev") line = line " dev " $(++i)
      else if ($i ~ /^(expires|error)$/) i++
      else if ($i !~ /^(linkdown|dead|offload|rt_offload|offload_failed|trap)$/) line = line " " $i
    }
    print substr(line, 2)
  }'
}`);

/**
 * Keeps which links are up, and addresses and routes, for undoing what commands and units do to them, which nobody knows. If it fails
 * nothing guarded is begun. Needs the step library's `fail`.
 */
export const keepNetwork: Sh = raw(`${shown.text}
keep_network() {
  ip -o link show up > "$RUN/links.before" && ip addr show >/dev/null && ip -4 route show >/dev/null || return
  sed -i 's/^[0-9]*: *//; s/[:@].*//' "$RUN/links.before"
  for kind in addresses routes4 routes6; do shown_$kind > "$RUN/$kind.before" || return; done
  sync "$RUN/links.before" "$RUN/addresses.before" "$RUN"/routes?.before
}
! command -v ip >/dev/null || keep_network || fail "addresses and routes could not be kept, so nothing was tried that could not be undone"`);

/**
 * `restore_network TELL` puts back what was taken away, line by line, and calls TELL with what it could not. What was added stays: to
 * empty anything first could leave a host without any way to it. An old route comes before one that replaced it. What belonged to a link
 * that is gone is none that could be put back.
 */
export const restoreNetwork: Sh = raw(`${shown.text}
# missing KIND: lines that were there and are not, of links that are
missing() {
  [ ! -e "$RUN/$1.before" ] || shown_$1 | grep -vxF -f - "$RUN/$1.before" | while read -r line; do
    link=\${line##* dev }
    case $line in *' dev '*) is_link "\${link%% *}" || continue ;; esac
    echo "$line"
  done
}
# add_missing KIND ADD...
add_missing() (
  kind=$1
  shift
  set -f
  missing "$kind" | while read -r line; do timeout 5 ip "$@" $line 2>/dev/null; done
)
# tell_missing KIND TELL WHAT
tell_missing() { missing "$1" | while read -r line; do "$2" "$3 $line"; done; }
is_link() { ip link show dev "$1" >/dev/null 2>&1; }
restore_network() {
  [ -e "$RUN/links.before" ] || return 0
  while read -r link; do
    ! is_link "$link" || timeout 5 ip link set dev "$link" up || "$1" "the link $link"
  done < "$RUN/links.before"
  add_missing addresses addr add
  # a gateway needs the route to its own network first, whatever the order
  for pass in 1 2; do add_missing routes4 -4 route prepend; add_missing routes6 -6 route prepend; done
  tell_missing addresses "$1" 'the address'
  tell_missing routes4 "$1" 'the route'
  tell_missing routes6 "$1" 'the route'
}`);
