import type { Change } from '../tasks/change.ts';

/** Files that decide who may connect, log in and become root, and what the network is. */
const FILES = new RegExp(
  `^/etc/(${[
    // who gets in
    'ssh|fail2ban|sudoers|sudoers\\.d|pam\\.d|security|sssd|nsswitch\\.conf|hosts\\.(allow|deny)',
    '(g?shadow|passwd|group)-?|nologin|shells|login\\.defs|ld\\.so\\.(preload|conf|conf\\.d)',
    // what lets them through
    'nftables\\.(conf|d)|iptables|ufw|firewalld|shorewall6?|ferm|sysctl\\.(conf|d)',
    // the way itself
    'network|netplan|NetworkManager|systemd/network|wireguard|openvpn|resolv\\.conf',
  ].join('|')})(/|$)|/\\.ssh(/|$)`,
);

/** Units that are the door, or stand in it. */
const UNITS =
  /^(sshd?(@.*)?|fail2ban|networking|network|NetworkManager|systemd-(networkd|resolved|logind)|dbus|nftables|ip6?tables|ufw|firewalld|netfilter-persistent|shorewall6?|ferm|sssd|nslcd|wg-quick@.*|openvpn.*|tailscaled)\.(service|socket)$/;

const UNIT_FILES = /\/systemd\/system\/([^/]+?)(\.d\/[^/]+)?$/;

/**
 * Whether a change could cut the operator off. Then the host undoes it unless a new login confirms it: nobody has to
 * remember a flag for that. Of a command only its author knows.
 */
export function cutsOff(change: Change): boolean {
  switch (change.kind) {
    case 'load-rules':
    case 'sync-fail2ban':
      return true;
    case 'run-command':
      return change.guarded ?? false;
    case 'control-unit':
      return UNITS.test(change.unit);
    case 'write-file':
    case 'restore-file':
    case 'set-attributes':
    case 'make-directory':
    case 'remove-file':
    case 'remove-directory':
      return FILES.test(change.path) || UNITS.test(UNIT_FILES.exec(change.path)?.[1] ?? '');
    case 'install-packages':
    case 'remove-packages':
    case 'remove-rules':
      return false;
  }
}
