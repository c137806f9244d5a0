import type { Doors } from '../probes/doors.ts';
import type { Observed } from '../probes/probe.ts';
import type { Change, ControlUnit } from '../tasks/change.ts';

/** Files that decide who may connect, log in and become root, and what the network is. */
const FILES = new RegExp(
  `^/etc/(${[
    // who gets in
    'ssh|fail2ban|sudoers|sudoers\\.d|sudo(_logsrvd|-ldap)?\\.conf|pam\\.d|pam_[^/]+\\.conf|security|sssd|nsswitch\\.conf|hosts(\\.(allow|deny))?',
    '(g?shadow|passwd|group)-?|nologin|shells|login\\.defs|pam\\.conf|nslcd\\.conf|libnss-[^/]+|ldap|krb5\\.(conf(\\.d)?|keytab)',
    // what the libraries of sshd and sudo read, which end where they cannot
    'ssl/openssl\\.cnf|gss|host\\.conf|gai\\.conf|selinux',
    // what lets them through
    'nftables\\.(conf|d)|iptables|ufw|firewalld|shorewall6?|ferm|sysctl\\.(conf|d)',
    // the way itself
    'network|netplan|NetworkManager|systemd/network|wireguard|openvpn|resolv\\.conf',
    // how these are started, and what runs or is read at every login: whoever hangs there keeps everybody out
    'default/(ssh|fail2ban|networking|ufw|nftables|locale|motd-news)|systemd/(system|logind|networkd|resolved)\\.conf(\\.d)?|dbus-1',
    'update-motd\\.d|lsb-release|environment|profile|profile\\.d|bash\\.bashrc|csh\\.(cshrc|login)|zsh|fish',
  ].join('|')})(/|$)`,
);

/** What decides in a home folder who may log in, and what its shell reads before it runs a command. */
const AT_HOME = String.raw`\.(profile|bash|z(sh|profile|login)|t?csh|login$|pam_environment|config/fish(/|$)|k5(login|users)$|[rs]hosts$|google_authenticator$)`;
const OF_HOME = new RegExp(`^${AT_HOME}`);

/** Programs that undoing itself needs. */
const TOOLS = [
  'sh|dash|bash|env|systemctl|systemd-run|timeout|flock|logger|iptables.*|ip6tables.*|xtables.*|nft',
  'mv|cp|rm|rmdir|mkdir|mktemp|ln|cat|head|tail|tac|cut|sort|stat|touch|chown|chgrp|chmod|sync|dirname|basename|readlink',
  'sed|grep|[gm]?awk|find|base64|sha256sum|wc|sleep|tr|id|ls|printf|echo|test|true|false',
].join('|');

/** Programs that let somebody in, or ban. */
const LOGINS = 'sudo|su|login|sshd|rbash|[zk]sh|t?csh|fish|ip|ipset|ufw|firewall-cmd|fail2ban-.*|wg(-quick)?';

/**
 * Keys, what is read in the usual homes, and the programs themselves: in /usr/local those that stand before the system's own. And
 * what is added to all units of a type, or whose names begin alike, and what holds units and sessions to so much memory.
 */
const ELSEWHERE = new RegExp(
  [
    String.raw`/\.ssh(/|$)|^/(root|home/[^/]+)/${AT_HOME}|^(/var)?/run/nologin$`,
    String.raw`/systemd/system/(([^/@]*-(@[^/]*)?\.)?[a-z]+\.d/|[^/]+\.slice(\.d)?(/|$))`,
    `^(/usr)?/s?bin/|^/usr/local/s?bin/(${TOOLS}|${LOGINS})$|^(/usr)?/lib[^/]*/(openssh|sudo|security|pam)(/|$)`,
  ].join('|'),
);

/** What undoing itself needs to run, and what every program reads when it starts. */
const NEEDED = new RegExp(
  `^(/usr(/local)?)?/s?bin/(${TOOLS})$|^(/usr)?/lib[^/]*/(.*/)?[^/]+\\.so(\\.[^/]*)?$|^/etc/ld\\.so\\.`,
);

/** Folders that sshd, sudo and the way to a key go through, and the libraries: no use without the right owner and mode. */
const WAYS = /^\/([^/]+|home\/[^/]+|usr\/s?bin|run\/sshd)?$|^(\/usr)?\/lib[^/]*(\/|$)/;

/** Units that are the door, or stand in it: they have to be there again after an undoing. */
const DOOR_UNITS =
  /^(sshd?(@.*)?|fail2ban|networking|network|NetworkManager|systemd-(networkd|resolved|logind)|user(-runtime-dir)?@.*|dbus|nftables|ip6?tables|ufw|firewalld|netfilter-persistent|shorewall6?|ferm|sssd|nslcd|wg-quick@.*|openvpn.*|tailscaled)\.(service|socket)$/;

/** Units that are known to let everybody in as before: our own, James, and what stands beside it. Of any other nobody knows. */
const HARMLESS =
  /^(harden-limits|james.*|postfix(@.*)?|dovecot|opendkim|rspamd|clamav-.*|nginx|apache2|rsyslog|systemd-journald|cron|chrony|systemd-timesyncd|mariadb|postgresql(@.*)?|cassandra|opensearch|elasticsearch|rabbitmq-server|unattended-upgrades|apt-daily(-upgrade)?)\.(service|socket|timer)$/;

/** What is done to a unit that runs it or ends it now. */
const RUNS_NOW: ReadonlySet<ControlUnit['action']> = new Set([
  'start',
  'restart',
  'reload-or-restart',
  'stop',
]);

const UNIT_FILES = /\/systemd\/system\/([^/]+?)(\.d\/[^/]+)?$/;

/** Whether systemd makes a unit of a file: its own, its template's, and what is added to these, to all of its type, or to those whose names begin alike. */
function isOfUnit(path: string, unit: string): boolean {
  const [, name = '', added] = UNIT_FILES.exec(path) ?? [];
  const [, stem = '', instance, type = ''] = /^([^@]*?)(@.*)?\.([a-z]+)$/.exec(unit) ?? [];
  const instances = instance ? [instance, '@'] : [''];
  const begun = [...stem.matchAll(/-/g)].flatMap(({ index }) =>
    ['', ...instances].map((end) => `${stem.slice(0, index + 1)}${end}`),
  );
  const names = [...instances.map((end) => `${stem}${end}`), ...(added ? begun : [])].map(
    (one) => `${one}.${type}`,
  );
  return names.includes(name) || (added !== undefined && name === type);
}

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
      return isDoor(change.unit) || (RUNS_NOW.has(change.action) && !HARMLESS.test(change.unit));
    case 'set-attributes':
      return WAYS.test(change.path) || isPart(change.path);
    case 'write-file':
    case 'restore-file':
    case 'make-directory':
    case 'remove-file':
    case 'remove-directory':
      return isPart(change.path);
    case 'install-packages':
    case 'remove-packages':
    case 'remove-rules':
      return false;
  }
}

/** Whether nobody may get in where the unit does not run. */
export const isDoor = (unit: string): boolean => DOOR_UNITS.test(unit);

/** Whether a guarded change may do anything to the firewall and the network: what a command, or a unit that is no server of logins, runs nobody knows. */
export const touchesFirewall = (change: Change): boolean =>
  change.kind === 'run-command' || (change.kind === 'control-unit' && !KEEPS_FIREWALL.test(change.unit));

/** Packages whose servers let nobody in, or ban, by settings of the distribution's. */
export const isDoorPackage = (name: string): boolean =>
  /^(fail2ban|crowdsec(-firewall-bouncer.*)?|sshguard|denyhosts|firewalld|ufw|shorewall6?|ferm|firehol|(arno-iptables|apf)-firewall|(netfilter|iptables|ipset)-persistent|network-manager|openvpn|openssh-server)$/.test(
    name,
  );

/** The path of what no host could undo by itself, if the change is to one. */
export function breaksUndoing(change: Change): string | undefined {
  return 'path' in change && NEEDED.test(change.path) ? change.path : undefined;
}

const isPart = (path: string): boolean =>
  FILES.test(path) || ELSEWHERE.test(path) || isDoor(UNIT_FILES.exec(path)?.[1] ?? '');

/**
 * The same of changes that are made together, on a host with these doors: the file of a guarded unit and what it reads are
 * part of it, wherever they lie.
 */
export function cutsOffAmong(all: readonly Change[], doors: Observed<Doors>): (change: Change) => boolean {
  const units = all.filter((change) => change.kind === 'control-unit');
  const doorUnits = units.filter(cutsOff);
  const read = new Set(doorUnits.flatMap(({ reads = [] }) => reads));
  const isNamed = namedBy(doors);
  const isGuarded = (change: Change): boolean =>
    cutsOff(change) ||
    ('path' in change &&
      (read.has(change.path) ||
        doorUnits.some(({ unit }) => isOfUnit(change.path, unit)) ||
        isNamed(change)));
  const guarded = new Set(
    all.flatMap((change) => ('path' in change && isGuarded(change) ? [change.path] : [])),
  );
  // a harmless unit reads such a file once it is there
  return (change) =>
    isGuarded(change) ||
    (change.kind === 'control-unit' && (change.reads ?? []).some((path) => guarded.has(path)));
}

/** Whether a change is to one of the host's own doors, or closes the way to it. Any may be, where they could not be read. */
function namedBy(doors: Observed<Doors>): (change: Extract<Change, { path: string }>) => boolean {
  if (doors.state !== 'present') return () => true;
  const { homes, links } = doors.value;
  const linked = [...links].flatMap(([from, to]) => (isPart(from) ? [to] : []));
  const parts = [...doors.value.parts, ...doors.value.configs, ...linked];
  const ways = new Set([...homes, ...parts].flatMap(foldersAbove));
  return ({ kind, path }) =>
    (kind === 'set-attributes' && ways.has(path)) ||
    isAmong(path, parts) ||
    homes.some(
      (home) => path === home || (path.startsWith(`${home}/`) && OF_HOME.test(path.slice(home.length + 1))),
    );
}

/** A path, or what lies below it. */
const isAmong = (path: string, paths: readonly string[]): boolean =>
  paths.some((one) => path === one || path.startsWith(`${one}/`));

const foldersAbove = (path: string): string[] =>
  path
    .split('/')
    .slice(1, -1)
    .map((_, index, names) => `/${names.slice(0, index + 1).join('/')}`);

/** Whether a change makes its unit, or fail2ban, read the file at a path. */
export function takesUp(change: Change, path: string, doors: Observed<Doors>): boolean {
  if (change.kind === 'sync-fail2ban') return isAmong(path, ['/etc/fail2ban']);
  if (change.kind !== 'control-unit' || !RUNS_NOW.has(change.action)) return false;
  const { unit, reads = [] } = change;
  return reads.includes(path) || isOfUnit(path, unit) || (SSHD.test(unit) && ofSshd(doors)(path));
}

/** Configuration of sshd that none of the changes makes it read: a new login proves nothing of it. */
export function leftUnread(all: readonly Change[], doors: Observed<Doors>): string[] {
  const reads = (change: Change) =>
    change.kind === 'control-unit' && SSHD.test(change.unit) && RUNS_NOW.has(change.action);
  if (all.some(reads)) return [];
  const isOfSshd = ofSshd(doors);
  return all.flatMap((change) =>
    'path' in change && change.kind !== 'set-attributes' && isOfSshd(change.path) ? [change.path] : [],
  );
}

/** Whether sshd reads its configuration from a path. */
function ofSshd(doors: Observed<Doors>): (path: string) => boolean {
  const { configs = [], links = [] } = doors.state === 'present' ? doors.value : {};
  const included = [...configs, ...[...links].flatMap(([from, to]) => (SSHD_CONFIG.test(from) ? [to] : []))];
  return (path) => SSHD_CONFIG.test(path) || isAmong(path, included);
}

const SSHD = /^sshd?(@.*)?\.(service|socket)$/;
/** Servers of logins load no rules, and fail2ban makes its own chains anew: nothing of the rest of the firewall is to be put back. */
const KEEPS_FIREWALL = /^(sshd?(@.*)?|fail2ban)\.(service|socket)$/;
const SSHD_CONFIG = /^\/etc\/ssh\/sshd_config($|\.d\/)/;
