import type { Family } from '../../probes/firewall.ts';
import { batch, fill } from './batch.ts';
import { leaveOther, loadChain } from './loader.ts';
import type { Rule } from './rule.ts';

/** What makes the limits last: one file of rules a family, a script that loads them, a unit that runs it at boot. */
export const DIRECTORY = '/etc/harden';
export const RULES = { ipv4: `${DIRECTORY}/limits.v4`, ipv6: `${DIRECTORY}/limits.v6` } as const;
export const LOADER = `${DIRECTORY}/load-limits`;
export const UNIT = 'harden-limits.service';
export const UNIT_FILE = `/etc/systemd/system/${UNIT}`;

const WRITTEN = '# Written by harden (task iptables_recent): the next run puts changes back.';

/** Other managers of the filter table, which may flush it when they start. */
export const MANAGERS = [
  'ufw.service',
  'firewalld.service',
  'nftables.service',
  'netfilter-persistent.service',
] as const;

/** The whole chain and its jump. Only our rules: a saved table would also hold fail2ban's bans of that day. */
export const rulesFile = (chain: string, rules: readonly Rule[], family: Family): string =>
  `${WRITTEN}\n${batch(chain, [...fill(chain, rules, family), `-I INPUT 1 -j ${chain}`])}`;

/**
 * Puts each family that has a file into the back end in use, and only there; the second even if the first fails.
 */
export const loaderFile = (chain: string): string => `#!/bin/sh
${WRITTEN}
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
${loadChain(chain).text}
${leaveOther(chain).text}
family() { load_chain "$1" < "$2" && leave_other "$1"; }
# firewalld counts as started before it flushes everybody's rules; it answers only once it has
if systemctl -q is-active firewalld.service; then
  for try in 1 2 3; do timeout 30 firewall-cmd --state >/dev/null 2>&1 && break; sleep 1; done
fi
status=0
if [ -f ${RULES.ipv4} ]; then family iptables ${RULES.ipv4} || status=$?; fi
# without this file the kernel has no IPv6 at all; while it is empty nobody has an address to be reached at
if [ -f ${RULES.ipv6} ] && [ -e /proc/net/if_inet6 ]; then
  family ip6tables ${RULES.ipv6} || { code=$?; ! grep -q . /proc/net/if_inet6 || status=$code; }
fi
exit "$status"
`;

/**
 * Early, as a firewall has to be: no default dependencies, because `network-pre.target` may come before
 * `sysinit.target`, which they would wait for. After whoever flushes the table, before fail2ban and the network.
 * Ordering against units that do not exist has no effect. Stopping the unit leaves the rules where they are.
 */
export const UNIT_TEXT = `${WRITTEN}
[Unit]
Description=Connection limits (iptables recent)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service ${MANAGERS.join(' ')}
Before=network-pre.target fail2ban.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${LOADER}

[Install]
WantedBy=multi-user.target
`;
