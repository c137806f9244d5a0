import { type Drift, driftTimeline } from './timeline.ts';

interface Managed {
  readonly path: string;
  readonly task: string;
  /** Makes its content another one. */
  readonly alter?: string;
  /** What check says then. */
  readonly altered?: RegExp;
  readonly mode: RegExp;
  readonly owner: RegExp;
  readonly removed?: Drift['found'];
  /** Whether its repair starts something anew. */
  readonly starts?: true;
}

const limits = (path: string, alter: string): Managed => ({
  path,
  task: 'firewall.limits',
  alter,
  altered: new RegExp(`^drift: .*${path}`),
  mode: new RegExp(`^drift: .*${path}`),
  owner: new RegExp(`^drift: .*${path}`),
  removed: { 'firewall.limits': new RegExp(`^drift: .*${path}`) },
  starts: true,
});

const MANAGED: readonly Managed[] = [
  {
    path: '/etc/fail2ban/filter.d/james.conf',
    task: 'fail2ban.filter',
    alter: ': >/etc/fail2ban/filter.d/james.conf',
    altered: /^drift: its content differs$/,
    mode: /^drift: mode is 0646, wanted 0644$/,
    owner: /^drift: owner is james, wanted root$/,
    removed: {
      'fail2ban.filter': /^drift: it does not exist$/,
      'fail2ban.proof': /^unknown: unknown until fail2ban\.filter has been applied$/,
    },
  },
  {
    path: '/etc/fail2ban/jail.d/james.conf',
    task: 'fail2ban.james',
    alter: "sed -i 's/^findtime.*/findtime = 1m/' /etc/fail2ban/jail.d/james.conf",
    altered: /^drift: findtime is 1m, wanted 20m$/,
    mode: /^drift: mode is 0646, wanted 0644$/,
    owner: /^drift: owner is james, wanted root$/,
    removed: { 'fail2ban.james': /^drift: there is no section \[james\] in its file$/ },
  },
  {
    path: '/etc/fail2ban/jail.d/defaults-debian.conf',
    task: 'fail2ban.sshd',
    alter: "sed -i 's/^maxretry.*/maxretry = 9/' /etc/fail2ban/jail.d/defaults-debian.conf",
    altered: /^drift: maxretry is 9, wanted 2$/,
    mode: /^drift: mode is 0646, wanted 0644$/,
    owner: /^drift: owner is james, wanted root$/,
  },
  limits('/etc/harden/limits.v4', 'sed -i s/60/6/ /etc/harden/limits.v4'),
  limits('/etc/harden/limits.v6', 'sed -i s/icmpv6/tcp/ /etc/harden/limits.v6'),
  limits('/etc/harden/load-limits', 'echo exit 0 >/etc/harden/load-limits'),
  limits(
    '/etc/systemd/system/harden-limits.service',
    "sed -i 's/^ExecStart=.*/ExecStart=true/' /etc/systemd/system/harden-limits.service; systemctl daemon-reload",
  ),
  {
    path: '/opt/james/conf/log4j2.xml',
    task: 'james.log4j2',
    alter:
      'f=/opt/james/conf/log4j2.xml; sed s/%enc{%msg}{CRLF}/%msg/ $f >/tmp/altered; cat /tmp/altered >$f',
    altered: /^drift: it does not write \/opt\/james\/log\/james\.log as wanted$/,
    mode: /^drift: mode is 0602, wanted 0600$/,
    owner: /^drift: owner is root, wanted james$/,
  },
  {
    path: '/opt/james/log/james.log',
    task: 'james.log',
    mode: /^drift: mode is 0646, wanted 0644$/,
    owner: /^drift: owner is root, wanted james$/,
    removed: { 'james.log': /^drift: it does not exist$/ },
  },
];

const inJames = ({ path }: Managed) => path.startsWith('/opt/james');

/** One kind of change of all files at the same time. */
const allFiles = (change: (file: Managed) => Omit<Drift, 'starts'> | undefined): Drift[] =>
  MANAGED.flatMap((file) => {
    const drift = change(file);
    return drift ? [{ ...drift, ...(file.starts && { starts: true }) }] : [];
  });

driftTimeline([
  allFiles(({ path, task, alter, altered }) =>
    alter && altered ? { name: `${path} altered`, script: alter, found: { [task]: altered } } : undefined,
  ),
  allFiles(({ path, task, mode }) => ({
    name: `${path} writable for everybody`,
    script: `chmod o+w ${path}`,
    found: { [task]: mode },
  })),
  allFiles((file) => ({
    name: `${file.path} given away`,
    script: `chown ${inJames(file) ? 'root' : 'james'} ${file.path}`,
    found: { [file.task]: file.owner },
  })),
  allFiles(
    ({ path, removed }) => removed && { name: `${path} removed`, script: `rm ${path}`, found: removed },
  ),
]);
