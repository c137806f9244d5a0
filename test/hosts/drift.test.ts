import { letAllPast, loseBan } from './attack.ts';
import { rowsFor } from './long.ts';
import { bans, type Drift, driftTimeline, groupDrifts } from './timeline.ts';

const JAMES_LOG = '/opt/james/log/james.log';

/** What a task says that has to wait for another one. */
const waits = Object.fromEntries(
  ['filter', 'sshd', 'james', 'running', 'proof'].map((part) => [
    `fail2ban.${part}`,
    /^unknown: unknown until fail2ban\.installed has been applied$/,
  ]),
);

const jailsDown = {
  'fail2ban.sshd': /^drift: fail2ban is not running; the file is right$/,
  'fail2ban.james': /^drift: fail2ban is not running; the file is right$/,
};

/** What check says of a jail whose chain is no longer reached, where fail2ban bans with iptables. */
const bansUnreached =
  bans === 'iptables'
    ? {
        'fail2ban.james': /^drift: banned, but not in the kernel: 192\.0\.2\.66/,
        'fail2ban.sshd': /^drift: banned, but not in the kernel: 192\.0\.2\.67/,
      }
    : undefined;

const JAILS: readonly Drift[] = [
  {
    name: 'maxretry of the running jail',
    part: 'maxretry',
    script: 'fail2ban-client set james maxretry 7',
    found: {
      'fail2ban.james': /^drift: .*the running server has maxretry 7, wanted 2;.* the file is right$/,
    },
  },
  {
    name: 'bantime of the running jail of sshd',
    script: 'fail2ban-client set sshd bantime 60',
    found: { 'fail2ban.sshd': /^drift: the running server has bantime 60, wanted 120m; the file is right$/ },
  },
  {
    name: 'findtime of the running jail',
    part: 'findtime',
    script: 'fail2ban-client set james findtime 1',
    found: {
      'fail2ban.james': /^drift: .*the running server has findtime 1, wanted 20m;.* the file is right$/,
    },
  },
  {
    name: 'a log deleted from the running jail',
    part: 'log',
    script: `fail2ban-client set james dellogpath ${JAMES_LOG}`,
    found: {
      'fail2ban.james': /^drift: .*does not watch \/opt\/james\/log\/james\.log;.* the file is right$/,
    },
  },
  {
    name: 'a jail stopped',
    hidesJails: true,
    script: 'fail2ban-client stop james',
    found: { 'fail2ban.james': /^drift: .*does not run/ },
  },
  {
    name: 'somebody spared at run time',
    part: 'ignoreip',
    script: 'fail2ban-client set james addignoreip 192.0.2.99',
    found: { 'fail2ban.james': /^drift: .*spares 192\.0\.2\.99, as no file says/ },
  },
  {
    name: 'a program asked whom to ban',
    script: 'fail2ban-client set james ignorecommand /bin/true',
    found: { 'fail2ban.james': /^drift: .*lets \/bin\/true decide/ },
  },
  {
    name: 'a jail without its action',
    differs: true,
    // fail2ban 0.11 leaves in the kernel what the action had made
    script: `fail2ban-client set james delaction $(fail2ban-client get james actions | tail -1)
             iptables -S INPUT | sed -n '/ f2b-james$/s/^-A/-D/p' | xargs -r -n 999 iptables
             iptables -F f2b-james; iptables -X f2b-james; true`,
    found: { 'fail2ban.james': /^drift: .*bans nobody: it has no action/ },
  },
  {
    name: 'another regex in the running jail',
    script: "fail2ban-client set james addfailregex '^never <HOST>$'",
    found: { 'fail2ban.filter': /^drift: the running jail james uses other regexes; the file is right$/ },
  },
  {
    name: 'another date pattern in the running jail',
    script: 'fail2ban-client set james datepattern %Y',
    found: { 'fail2ban.filter': /^drift: the running jail james uses the date pattern/ },
  },
  {
    name: 'a prefix that no line has',
    script: "fail2ban-client set james prefregex '^no such line <F-CONTENT>.+</F-CONTENT>$'",
    found: { 'fail2ban.filter': /^drift: the running jail james uses the prefix/ },
  },
  {
    name: 'several lines looked at as one',
    script: 'fail2ban-client set james maxlines 5',
    found: { 'fail2ban.filter': /^drift: the running jail james uses 5 lines at once/ },
  },
  {
    name: 'a configuration that was changed and never loaded, and changed back',
    hidesJails: true,
    script: `cp -p /etc/fail2ban/jail.d/james.conf /tmp/right
             sed -i 's/^maxretry.*/maxretry = 9/' /etc/fail2ban/jail.d/james.conf
             fail2ban-client reload >/dev/null; cp -p /tmp/right /etc/fail2ban/jail.d/james.conf`,
    found: { 'fail2ban.james': /^drift: the running server has maxretry 9, wanted 2; the file is right$/ },
  },
  {
    name: 'a ban that the kernel lost',
    differs: true,
    script: loseBan('james', '192.0.2.66'),
    found: { 'fail2ban.james': /^drift: banned, but not in the kernel: 192\.0\.2\.66/ },
  },
  // with nftables, where all jails share a chain, that is blocked
  ...(bans === 'iptables'
    ? [
        {
          name: 'bans below a rule that lets everybody through',
          differs: true as const,
          script: letAllPast('james'),
          found: { 'fail2ban.james': /^drift: banned, but not in the kernel: 192\.0\.2\.66/ },
        },
      ]
    : []),
];

const SERVICE: readonly Drift[] = [
  {
    hidesJails: true,
    name: 'fail2ban stopped',
    script: 'systemctl stop fail2ban',
    found: { 'fail2ban.running': /^drift: it is inactive$/, ...jailsDown },
    starts: true,
  },
  {
    hidesJails: true,
    name: 'fail2ban disabled',
    script: 'systemctl -q disable fail2ban',
    found: { 'fail2ban.running': /^drift: it does not start at boot$/ },
  },
  {
    hidesJails: true,
    name: 'fail2ban enabled until the next boot only',
    script: 'systemctl -q disable fail2ban; systemctl -q enable --runtime fail2ban',
    found: { 'fail2ban.running': /^drift: .*boot/ },
  },
  {
    hidesJails: true,
    name: 'fail2ban masked',
    script: 'systemctl -q stop fail2ban; systemctl -q mask fail2ban',
    found: {
      'fail2ban.running': /^drift: it is masked, it does not start at boot, it is inactive$/,
      ...jailsDown,
    },
    starts: true,
  },
];

const FIREWALL: readonly Drift[] = [
  {
    name: 'a rule deleted',
    part: 'ipv4',
    script: 'iptables -D HARDEN 5',
    found: { 'firewall.limits': /^drift: ipv4: [^;]*DDOS-/ },
  },
  {
    name: 'a rule altered',
    part: 'ipv4',
    script: `n=$(iptables -S HARDEN | grep -n 'hitcount 4 --name DDOS-SMTP ' | cut -d: -f1); n=$((n - 1))
             iptables -R HARDEN $n -p tcp --dport 25 -m conntrack --ctstate NEW -m recent --update --seconds 60 --hitcount 40 --name DDOS-SMTP -j DROP`,
    found: { 'firewall.limits': /^drift: ipv4: [^;]*DDOS-SMTP/ },
  },
  {
    name: 'a rule of IPv6 doubled',
    part: 'ipv6',
    script: "ip6tables -A HARDEN $(ip6tables -S HARDEN | sed -n '4s/-A HARDEN //p')",
    found: { 'firewall.limits': /ipv6: [^;]* stands there more than once/ },
  },
  {
    name: 'rules reordered',
    part: 'ipv4',
    script: `rule=$(iptables -S HARDEN | tail -n 1 | sed 's/^-A HARDEN //')
             iptables -D HARDEN $(iptables -S HARDEN | grep -c '^-A'); iptables -I HARDEN 1 $rule`,
    found: { 'firewall.limits': /^drift: ipv4: the rules of HARDEN are in another order/ },
  },
  {
    name: 'a rule of IPv6 deleted',
    part: 'ipv6',
    script: 'ip6tables -D HARDEN 5',
    found: { 'firewall.limits': /ipv6: [^;]*DDOS-[^;]* is missing/ },
  },
  {
    name: 'the chain of IPv6 emptied',
    part: 'ipv6',
    script: 'ip6tables -F HARDEN',
    found: { 'firewall.limits': /ipv6: the chain HARDEN is empty/ },
  },
  {
    name: 'the jump removed',
    part: 'ipv4',
    script: 'iptables -D INPUT -j HARDEN',
    found: { 'firewall.limits': /^drift: ipv4: the jump from INPUT to HARDEN is missing/ },
  },
  {
    name: 'the jump moved below an ACCEPT',
    script:
      'iptables -D INPUT -j HARDEN; iptables -A INPUT -p tcp --dport 25 -j ACCEPT; iptables -A INPUT -j HARDEN',
    found: { 'firewall.limits': /^drift: ipv4: the jump to HARDEN stands below a rule that may accept/ },
    mend: 'iptables -D INPUT -p tcp --dport 25 -j ACCEPT',
  },
  {
    name: 'an address that another chain lets past the limits',
    script: `iptables -N own; iptables -A own -s 192.0.2.88 -j ACCEPT; iptables -I INPUT -p tcp --dport 25 -j own`,
    found: { 'firewall.limits': /^drift: ipv4: the jump to HARDEN stands below a rule that may accept/ },
    mend: 'iptables -D INPUT -p tcp --dport 25 -j own; iptables -F own; iptables -X own',
  },
  {
    name: 'the jump of IPv6 doubled',
    part: 'ipv6',
    script: 'ip6tables -A INPUT -j HARDEN',
    found: { 'firewall.limits': /ipv6: INPUT jumps to HARDEN 2 times/ },
  },
  {
    name: 'INPUT flushed',
    script: 'iptables -F INPUT',
    found: {
      'firewall.limits': /^drift: ipv4: the jump from INPUT to HARDEN is missing$/,
      ...bansUnreached,
    },
  },
  {
    name: 'everything flushed, as by a script',
    script: 'iptables -F; iptables -X HARDEN; ip6tables -F; ip6tables -X HARDEN',
    found: { 'firewall.limits': /^drift: .*the chain HARDEN is missing/, ...bansUnreached },
  },
  {
    name: 'our rules in the other back end, too',
    script:
      'iptables-legacy -N HARDEN; iptables-legacy -A HARDEN -p tcp -j DROP -s 192.0.2.5; iptables-legacy -I INPUT -j HARDEN',
    found: { 'firewall.limits': /^drift: .*legacy/ },
    // its loader takes them out
    starts: true,
  },
  {
    name: 'the limits not loaded at boot',
    part: 'boot',
    script: 'systemctl -q disable harden-limits',
    found: { 'firewall.limits': /^drift: .*boot/ },
  },
  {
    name: 'the folder of the limits given away',
    part: 'folder',
    script: 'chown james /etc/harden',
    found: { 'firewall.limits': /^drift: .*\/etc\/harden.* owner is james, wanted root/ },
  },
  {
    name: 'the folder of the limits writable for everybody',
    part: 'folder',
    script: 'chmod 777 /etc/harden',
    found: { 'firewall.limits': /^drift: .*\/etc\/harden.* mode is 0777, wanted 0700/ },
  },
];

const JAMES: readonly Drift[] = [
  {
    name: 'the appender removed from log4j2.xml',
    script: `f=/opt/james/conf/log4j2.xml; name=$(grep -o 'RollingFile name="[^"]*"[^>]*${JAMES_LOG}' $f | cut -d'"' -f2)
             test -n "$name" && sed "/<RollingFile name=\\"$name\\"/,/<\\/RollingFile>/d" $f >/tmp/altered; cat /tmp/altered >$f`,
    found: { 'james.log4j2': /^drift: / },
  },
  {
    name: 'the log closed to James',
    script: `chmod 0 ${JAMES_LOG}`,
    found: { 'james.log': /^drift: mode is 0000, wanted 0600$/ },
    mend: `chmod 644 ${JAMES_LOG}`,
  },
];

// last: what they take away of the package's own comes back as the package has it
const PACKAGE: readonly Drift[] = [
  {
    name: 'the package removed',
    script: 'DEBIAN_FRONTEND=noninteractive apt-get -qq remove fail2ban >/dev/null 2>&1',
    found: { 'fail2ban.installed': /^drift: fail2ban is not installed$/, ...waits },
    starts: true,
  },
  {
    name: 'the package purged',
    script: 'DEBIAN_FRONTEND=noninteractive apt-get -qq purge fail2ban >/dev/null 2>&1',
    found: {
      'fail2ban.installed': /^drift: fail2ban is not installed$/,
      ...waits,
    },
    starts: true,
    losesBans: true,
  },
];

driftTimeline(groupDrifts([JAILS, SERVICE, FIREWALL, JAMES, PACKAGE].flatMap(rowsFor)));
