import { raw } from '../shell/quote.ts';

/** Tables that nft made: those of iptables are kept by its own tools, which nft could not print and read back. */
const nativeTables = `native() { nft list tables 2>/dev/null | grep -vE '^table ip6? (filter|nat|mangle|raw|security)$'; }`;

/**
 * Keeps the whole firewall, for undoing what commands and units do to it, which nobody knows. Also where no table exists yet. If it fails
 * nothing guarded is begun: half a copy must never be restored.
 */
export const keepTables = raw(`${nativeTables}
if command -v nft >/dev/null; then
  { native | while read -r _ family name; do nft list table "$family" "$name" || exit; done; } > "$RUN/nft.before" && sync "$RUN/nft.before" ||
    fail "the rules of nft could not be kept, so nothing was tried that could not be undone"
fi
for tool in iptables ip6tables; do
  command -v $tool-save >/dev/null || continue
  $tool-save > "$RUN/$tool.before" && sync "$RUN/$tool.before" || fail "the $tool rules could not be kept, so nothing was tried that could not be undone"
done`);

/**
 * `restore_tables TELL` puts the kept firewall back, and calls TELL with what it could not. A table that did not exist when it was kept (an empty save, which restoring
 * would leave alone) is emptied and its policies are opened. fail2ban's chains come back as they were.
 */
export const restoreTables = raw(`${nativeTables}
restore_tables() {
if [ -e "$RUN/nft.before" ]; then
  { native | sed 's/^/delete /'; cat "$RUN/nft.before"; } | nft -f - || {
    "$1" "the rules of nft"
    native | while read -r _ family name; do
      grep -qxF "table $family $name {" "$RUN/nft.before" || nft delete table "$family" "$name"
    done
  }
fi
for tool in iptables ip6tables; do
  [ -e "$RUN/$tool.before" ] || continue
  for table in $($tool-save | sed -n 's/^\\*//p'); do
    grep -qx "\\*$table" "$RUN/$tool.before" && continue
    $tool -w 10 -t $table -F
    $tool -w 10 -t $table -X
    for chain in $($tool -w 10 -t $table -S | sed -n 's/^-P \\([^ ]*\\) .*/\\1/p'); do $tool -w 10 -t $table -P $chain ACCEPT; done
  done
  $tool-restore -w 10 < "$RUN/$tool.before" || "$1" "the $tool rules"
done
}`);

/** Bans that fail2ban made since are put in again by its own restart of the jails. */
export const renewBans = raw(
  `if timeout 20 fail2ban-client ping >/dev/null 2>&1; then timeout 60 fail2ban-client reload --restart >/dev/null 2>&1; fi`,
);
