import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { letAllPast } from './attack.ts';
import { startHost, type TestHost } from './host.ts';
import { isPart } from './long.ts';
import { record } from './record.ts';
import { changed, snapshotOf } from './snapshot.ts';
import { bans } from './timeline.ts';

let host: TestHost;

beforeAll(async () => {
  host = await startHost({ kind: 'hardened' });
});
afterAll(() => host?.stop());

/** What is not the tool's to repair. */
interface Obstacle {
  readonly name: string;
  readonly script: string;
  /** Task id to the reason for which it is blocked. */
  readonly found: Readonly<{ [id: string]: RegExp }>;
  /** A task that runs in spite of it, and proves that it does harm. */
  readonly fails?: string;
  /** What the doctor says of fail2ban. */
  readonly doctor?: RegExp;
  /** Whether its words are those of fail2ban's version or of the firewall: that runs on every distribution. */
  readonly differs?: true;
  /** How a person mends it. */
  readonly mend: string;
}

const inFile = (path: string, text: string) => ({
  script: `printf '${text.replaceAll('\n', '\\n')}' >${path}`,
  mend: `rm ${path}`,
});

/** A server of James that waits for a proxy, and says so in a comment first, where it means nothing. */
const proxied = (protocol: string, bind: string) => `cat >/opt/james/conf/${protocol}server.xml <<'END'
<${protocol}servers>
 <!-- <proxyRequired>true</proxyRequired> -->
 <${protocol}server enabled="true">
  <bind>${bind}</bind>
  <proxyRequired>true</proxyRequired>
 </${protocol}server>
</${protocol}servers>
END`;

const OBSTACLES: readonly Obstacle[] = [
  {
    name: 'a value in jail.local',
    ...inFile('/etc/fail2ban/jail.local', '# mine\n[james]\nmaxretry = 9\n'),
    found: {
      'fail2ban.james':
        /^\/etc\/fail2ban\/jail\.local:3 sets maxretry of \[james\] to 9 and overrides \/etc\/fail2ban\/jail\.d\/james\.conf; remove it there, or set override: true$/,
    },
  },
  {
    name: 'a value in a local file of jail.d',
    ...inFile('/etc/fail2ban/jail.d/own.local', '[sshd]\nbantime = 10\n'),
    found: {
      'fail2ban.sshd':
        /^\/etc\/fail2ban\/jail\.d\/own\.local:2 sets bantime of \[sshd\] to 10 and overrides \/etc\/fail2ban\/jail\.d\/defaults-debian\.conf; remove it there, or set override: true$/,
    },
  },
  {
    name: 'an expression in the local file of the filter',
    ...inFile('/etc/fail2ban/filter.d/james.local', '[Definition]\nfailregex = ^never <HOST>$\n'),
    found: {
      'fail2ban.filter':
        /^\/etc\/fail2ban\/filter\.d\/james\.local:2 sets failregex and overrides \/etc\/fail2ban\/filter\.d\/james\.conf; remove it there$/,
    },
    fails: 'fail2ban.proof',
  },
  {
    name: 'a broken jail.local',
    differs: true,
    ...inFile('/etc/fail2ban/jail.local', '[DEFAULT]\nwhat is this\n'),
    found: {
      'fail2ban.sshd': /\/etc\/fail2ban\/jail\.local:2 .*mend it/,
      'fail2ban.james': /\/etc\/fail2ban\/jail\.local:2 .*mend it/,
    },
  },
  {
    name: 'a jail.local without a section',
    doctor: /would not start again: .*no section headers/,
    ...inFile('/etc/fail2ban/jail.local', 'garbage without section\n'),
    found: {
      'fail2ban.sshd': /^\/etc\/fail2ban\/jail\.local:1 is not a line that fail2ban can read/,
      'fail2ban.james': /^\/etc\/fail2ban\/jail\.local:1 is not a line that fail2ban can read/,
    },
  },
  {
    name: "somebody's jail without a log",
    doctor: /^\[other\] keeps fail2ban from starting again/,
    ...inFile('/etc/fail2ban/jail.d/other.conf', '[other]\nenabled = true\nfilter = sshd\nlogpath = /nope\n'),
    found: Object.fromEntries(
      ['fail2ban.sshd', 'fail2ban.james'].map((id) => [
        id,
        /^\[other\] keeps fail2ban from starting again, with all its jails: \/nope does not exist \(\/etc\/fail2ban\/jail\.d\/other\.conf:4\); make the log, let the jail read the journal \(backend = systemd\), or disable it$/,
      ]),
    ),
  },
  {
    name: 'a file of a filter of others that cannot be read',
    differs: true,
    ...inFile('/etc/fail2ban/filter.d/sshd.local', 'garbage\n'),
    found: Object.fromEntries(
      ['fail2ban.sshd', 'fail2ban.james'].map((id) => [
        id,
        /^fail2ban cannot read its files, .* would not start again: .*no section headers.* file: '\/etc\/fail2ban\/filter\.d\/sshd\.local', line: 1 /,
      ]),
    ),
  },
  {
    name: 'a value of a jail of others that the server refuses',
    differs: true,
    doctor: /^fail2ban cannot take \[other\]/,
    ...inFile(
      '/etc/fail2ban/jail.d/other.conf',
      '[other]\nenabled = true\nfilter = sshd\nbackend = polling\nlogpath = /var/log/dpkg.log\nbantime = never\n',
    ),
    found: Object.fromEntries(
      ['fail2ban.sshd', 'fail2ban.james'].map((id) => [
        id,
        /^fail2ban cannot take \[other\] from its files \(bantime = never: name 'never' is not defined\), and once it reads them again no jail runs any more; mend that$/,
      ]),
    ),
  },
  {
    name: 'a jail.conf that was emptied',
    doctor: /^no file of fail2ban gives \[sshd\] an action/,
    script: 'cp -p /etc/fail2ban/jail.conf /tmp/; : >/etc/fail2ban/jail.conf',
    found: {
      'fail2ban.sshd':
        /^no file of fail2ban gives \[sshd\] an action, .* is \/etc\/fail2ban\/jail\.conf empty/,
      'fail2ban.james': /^no file of fail2ban gives \[james\] an action/,
    },
    mend: 'cp -p /tmp/jail.conf /etc/fail2ban/',
  },
  {
    name: 'an expression of somebody else in our jail',
    ...inFile('/etc/fail2ban/jail.d/zz.conf', '[james]\nfailregex = ^never$\n'),
    found: { 'fail2ban.james': /jail\.d\/zz\.conf:2 sets failregex of \[james\]/ },
  },
  {
    name: 'a ban that closes nothing',
    ...inFile('/etc/fail2ban/jail.local', '[DEFAULT]\nbanaction = dummy\n'),
    found: {
      'fail2ban.sshd': /jail\.local:2 makes dummy the ban action/,
      'fail2ban.james': /jail\.local:2 makes dummy the ban action/,
    },
  },
  {
    name: 'a part of the filter in another section',
    ...inFile('/etc/fail2ban/filter.d/james.local', '[Init]\nmaxlines = 5\n'),
    found: { 'fail2ban.filter': /james\.local:2 sets maxlines and overrides/ },
  },
  {
    name: 'everybody spared',
    ...inFile('/etc/fail2ban/jail.local', '[DEFAULT]\nignoreip = 0.0.0.0/0\n'),
    found: {
      'fail2ban.sshd': /jail\.local:2 spares every address/,
      'fail2ban.james': /jail\.local:2 spares every address/,
    },
  },
  {
    name: 'a drop-in that keeps the limits from being loaded at boot',
    script: `mkdir -p /etc/systemd/system/harden-limits.service.d
     printf '[Service]\\nExecStart=\\nExecStart=/bin/true\\n' >/etc/systemd/system/harden-limits.service.d/x.conf
     systemctl daemon-reload`,
    found: { 'firewall.limits': /harden-limits\.service\.d\/x\.conf changes harden-limits\.service/ },
    mend: 'rm -r /etc/systemd/system/harden-limits.service.d; systemctl daemon-reload',
  },
  ...(bans === 'nftables'
    ? [
        {
          name: 'bans below a rule that lets everybody through',
          differs: true as const,
          script: `fail2ban-client set james banip 192.0.2.66; fail2ban-client set sshd banip 192.0.2.67; sleep 1; ${letAllPast('james')}`,
          found: {
            'fail2ban.sshd': /chain f2b-chain of table inet f2b-table lets everybody past the bans/,
            'fail2ban.james': /chain f2b-chain of table inet f2b-table lets everybody past the bans/,
          },
          mend: `nft delete rule inet f2b-table f2b-chain handle $(nft -a list chain inet f2b-table f2b-chain | sed -n 's/.*accept # handle //p' | tail -n 1)
            fail2ban-client unban --all`,
        },
      ]
    : []),
  {
    name: 'a port that leads elsewhere before INPUT sees it',
    script: 'iptables -t nat -A PREROUTING -p tcp --dport 25 -j REDIRECT --to-ports 2525',
    found: {
      'firewall.limits':
        /^connections to port 25 go to 2525 before INPUT sees them \(table nat: "-A PREROUTING .*"\), so a limit on port 25 does nothing/,
    },
    mend: 'iptables -t nat -D PREROUTING -p tcp --dport 25 -j REDIRECT --to-ports 2525',
  },
  {
    name: 'James in a container, as Docker publishes its ports',
    script: `iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
             iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 143 -j DNAT --to-destination 172.18.0.2:143`,
    found: { 'firewall.limits': /^connections to port 143 go to 172\.18\.0\.2:143 before INPUT sees them/ },
    mend: 'iptables -t nat -F; iptables -t nat -X DOCKER',
  },
  {
    name: 'a proxy in front of James',
    script: proxied('smtp', '0.0.0.0:25'),
    found: {
      'fail2ban.james':
        /^\/opt\/james\/conf\/smtpserver\.xml:5 sets proxyRequired: James logs guessed recipients with the proxy's address, so a ban would shut out everybody/,
      'firewall.limits':
        /^\/opt\/james\/conf\/smtpserver\.xml:5 sets proxyRequired: connections to port 25 come from the proxy/,
    },
    mend: 'rm /opt/james/conf/smtpserver.xml',
  },
  {
    name: 'a proxy in front of the IMAP server alone',
    script: proxied('imap', '0.0.0.0:143'),
    found: { 'firewall.limits': /^\/opt\/james\/conf\/imapserver\.xml:5 .* port 143 come from the proxy/ },
    mend: 'rm /opt/james/conf/imapserver.xml',
  },
  {
    name: 'an SMTP server of James whose configuration cannot be understood',
    script: 'echo "<smtpservers>" >/opt/james/conf/smtpserver.xml',
    found: {
      'fail2ban.james': /smtpserver\.xml:\d+:\d+ .*whether a proxy stands before James is not clear$/,
      'firewall.limits': /smtpserver\.xml:\d+:\d+ .*whether a proxy stands before James is not clear$/,
    },
    mend: 'rm /opt/james/conf/smtpserver.xml',
  },
  {
    name: "James's configuration gone",
    script: 'mv /opt/james/conf/log4j2.xml /tmp/',
    found: {
      'james.log4j2': /^James is not installed here: \/opt\/james\/conf\/log4j2\.xml does not exist$/,
    },
    mend: 'mv /tmp/log4j2.xml /opt/james/conf/',
  },
  {
    name: "James's configuration broken",
    script: 'cp -p /opt/james/conf/log4j2.xml /tmp/; echo "</x>" >>/opt/james/conf/log4j2.xml',
    found: { 'james.log4j2': /^\/opt\/james\/conf\/log4j2\.xml:\d+:\d+ .*it was left alone$/ },
    mend: 'cp -p /tmp/log4j2.xml /opt/james/conf/',
  },
];

describe.sequential('what is not its own to change', () => {
  const rows = OBSTACLES.filter(({ differs }) => differs || !isPart);
  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const { script, found, fails, doctor, mend } = row;
    await host.must(script);
    try {
      const before = await snapshotOf(host);
      for (const command of ['check', 'apply'] as const) {
        const seen = await record(command, host.inventory());
        expect(seen.exitCode, seen.text).toBe(3);
        // nothing else, and nothing of the row before
        const others = Object.values(seen.tasks).filter(({ status }) => status !== 'ok');
        expect(Object.fromEntries(others.map(({ id, status }) => [id, status])), seen.text).toEqual({
          ...Object.fromEntries(Object.keys(found).map((id) => [id, 'blocked'])),
          ...(command === 'apply' && fails && { [fails]: 'failed' }),
        });
        for (const [id, words] of Object.entries(found)) expect(seen.tasks[id]?.reason).toMatch(words);
      }
      if (doctor) {
        const seen = await record('doctor', host.inventory());
        expect(seen.tasks['doctor.services']?.reason).toMatch(doctor);
      }
      const after = await snapshotOf(host);
      expect(changed(before.state, after.state)).toEqual([]);
      expect(changed(before.touched, after.touched)).toEqual([]);
    } finally {
      await host.must(mend);
    }
  });

  it('is gone: the host is in sync', async () => {
    const last = await record('check', host.inventory());
    expect(last.exitCode, last.text).toBe(0);
  });
});

it('is in sync behind a proxy on the host itself, and says what is not counted', async () => {
  await host.must(proxied('smtp', '127.0.0.1:10025'));
  const seen = await record('check', host.inventory());
  expect(seen.exitCode, seen.text).toBe(0);
  expect(seen.tasks['fail2ban.james']?.notes).toEqual([
    expect.stringMatching(/^\/opt\/james\/conf\/smtpserver\.xml:5 sets proxyRequired: guessed recipients/),
  ]);
  await host.must('rm /opt/james/conf/smtpserver.xml');
});
