import { raw } from '../shell/quote.ts';

/**
 * Keeps which links are up, and addresses and routes, for undoing what commands and units do to them, which nobody knows. If it fails
 * nothing guarded is begun. Needs the step library's `fail`.
 */
export const keepNetwork = raw(`keep_network() {
  ip -o link show up | sed 's/^[0-9]*: *//; s/[:@].*//' > "$RUN/links.before" &&
    ip addr save > "$RUN/addresses.before" && ip -4 route save > "$RUN/routes4.before" || return
  # a host without IPv6 has none to tell of
  [ ! -e /proc/net/if_inet6 ] || ip -6 route save > "$RUN/routes6.before" || return
  sync "$RUN/links.before" "$RUN/addresses.before" "$RUN"/routes?.before
}
! command -v ip >/dev/null || keep_network || fail "addresses and routes could not be kept, so nothing was tried that could not be undone"`);

/**
 * `restore_network TELL` puts back what was taken away, and calls TELL with what it could not. What was added stays: to empty
 * anything first could leave a host without any way to it. An old route comes before one that replaced it.
 */
export const restoreNetwork = raw(`# what is there already is said to be, which is no trouble
restore_network() {
[ -e "$RUN/links.before" ] || return 0
while read -r link; do ip link set dev "$link" up || "$1" "the link $link"; done < "$RUN/links.before"
ip addr restore < "$RUN/addresses.before" 2>/dev/null || "$1" "the addresses"
for family in 4 6; do
  [ ! -e "$RUN/routes$family.before" ] || ip -$family route restore < "$RUN/routes$family.before" 2>/dev/null || "$1" "the routes of IPv$family"
done
}`);
