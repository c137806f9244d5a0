import { describe, expect, it } from 'vitest';
import type { Fail2ban, Jail } from '../../src/probes/fail2ban.ts';
import type { ConfigFile } from '../../src/probes/fail2ban-config.ts';
import type { Dump } from '../../src/probes/fail2ban-dump.ts';
import { absent, present, unreadable } from '../../src/probes/probe.ts';
import type { UnitState } from '../../src/probes/systemd.ts';
import type { JailParams } from '../../src/tasks/fail2ban/schema.ts';
import { fail2banJailTask as task } from '../../src/tasks/fail2ban_jail.ts';
import type { Key, Verdict } from '../../src/tasks/task.ts';
import { changesOf, context, directoryState, fileOf, fileState } from './context.ts';
import { jailParams, type Over, runningJail } from './fail2ban/fixtures/jail.ts';

type Seen = Parameters<typeof task.plan>[1];

const PATH = '/etc/fail2ban/jail.d/james.conf';
const FILTER = '/etc/fail2ban/filter.d/james.conf';
const LOG = '/opt/james/log/james.log';
const OVERRIDE = '/etc/fail2ban/jail.d/zz-harden.local';
const SECTION = `[james]
enabled = true
filter = james
backend = auto
logpath = /opt/james/log/james.log
port = smtp,imap
bantime = 120m
findtime = 20m
maxretry = 2
ignoreip = 127.0.0.1/8 ::1 192.0.2.7
`;

const contentOf = (text: string, realPath = PATH) =>
  present(fileState({ realPath, content: Buffer.from(text, 'latin1'), sha256: 'old' }));
const server = (over: Partial<Jail> = {}, name = 'james') =>
  present<Fail2ban>({ running: true, jails: new Map([[name, runningJail(over)]]) });
const config = (...files: [string, string][]) =>
  present<ConfigFile[]>(files.map(([name, text]) => ({ path: `/etc/fail2ban/${name}`, text })));

const dump = (over: Partial<Dump> = {}) => {
  const jails = new Map([['james', { actions: ['iptables-multiport'], watches: true }]]);
  return present<Dump>({ jails, ...over });
};

/** nft, iptables, ipset. */
const TOOLS = [present<'there'>('there'), present<'there'>('there'), absent];

interface Host extends Partial<Seen> {
  /** The text of the task's own file. */
  readonly own?: string;
  readonly promises?: readonly Key[];
}

function plan({ own = SECTION, promises = [], ...seen }: Host = {}, over: Over = {}): Verdict {
  const params = jailParams(over);
  return task.plan(
    params,
    {
      folder: present(directoryState()),
      file: contentOf(own, params.file),
      override: params.override ? [absent] : [],
      filter: params.filter ? [present(fileState())] : [],
      log: present(fileState()),
      loggers: [],
      config: config([(params.file ?? PATH).replace('/etc/fail2ban/', ''), own]),
      dump: dump(),
      server: server(),
      firewall: [],
      tools: TOOLS,
      smtp: [],
      james: [],
      ...seen,
    },
    context({ promises }),
  );
}

const SYNC = { kind: 'sync-fail2ban', jails: ['james'], filters: [FILTER], restart: [] };
const written = (verdict: Verdict, index = 0) => fileOf(verdict, index).content.toString('latin1');

describe('a jail', () => {
  it.each<[string, Host, Over, string]>([
    ['runs', {}, {}, 'it runs with these values'],
    [
      'is spelled in another way',
      { own: SECTION.replace('120m', '2h').replace('= 20m', ': 1200').replace('smtp,imap', 'smtp, imap') },
      {},
      'it runs with these values',
    ],
    [
      'is disabled',
      { own: SECTION.replace('true', 'no'), server: server({}, 'sshd') },
      { enabled: false },
      'it is disabled and does not run',
    ],
    [
      'is disabled, fail2ban does not run',
      { own: SECTION.replace('true', 'no'), server: absent },
      { enabled: false },
      'it is disabled',
    ],
    // without its log and its filter it can be disabled all the same
    [
      'is disabled where all is missing',
      { own: SECTION.replace('true', 'no'), server: absent, log: absent, filter: [absent] },
      { enabled: false },
      'it is disabled',
    ],
  ])('that %s is all right', (_, host, params, reason) =>
    expect(plan(host, params)).toEqual({ verdict: 'ok', reason: expect.stringContaining(reason), notes: [] }),
  );

  it.each<[string, Host, Over, object]>([
    [
      'cannot be read',
      { dump: dump({ refusal: 'no' }) },
      {},
      { verdict: 'blocked', reason: expect.stringContaining('would not start again: no; mend') },
    ],
    [
      'cannot be read, before another task rewrites them',
      { dump: dump({ refusal: 'no' }), promises: [`file:${PATH}`] },
      {},
      { verdict: 'ok' },
    ],
    [
      'leave out another jail',
      { dump: dump({ jails: new Map([['a', { skipped: 'no', actions: [], watches: false }]]) }) },
      {},
      { verdict: 'ok', notes: ['fail2ban leaves out [a] when it reads its files: no'] },
    ],
    [
      'leave out another jail, and would be read anew',
      { dump: dump({ jails: new Map([['a', { skipped: 'no', actions: [], watches: false }]]) }) },
      { maxretry: 3 },
      { verdict: 'change', notes: ['fail2ban leaves out [a] when it reads its files: no'] },
    ],
    [
      'leave out another jail that runs, and would be read anew',
      {
        dump: dump({ jails: new Map([['a', { skipped: 'no', actions: [], watches: false }]]) }),
        server: present({ running: true, jails: new Map([['a', runningJail()]]) }),
      },
      {},
      { verdict: 'blocked', reason: expect.stringContaining('[a] runs, and fail2ban leaves it out') },
    ],
    [
      'find no log before this run makes it',
      {
        dump: dump({ jails: new Map([['james', { actions: ['a'], watches: false }]]) }),
        log: absent,
        promises: [`file:${LOG}`],
        server: server({ logpath: [] }),
      },
      {},
      { verdict: 'change' },
    ],
    ['cannot be asked', { dump: unreadable('no') }, {}, { verdict: 'failed' }],
  ])('whose files %s', (_, host, params, verdict) => expect(plan(host, params)).toMatchObject(verdict));

  it.each<[string, Host, object]>([
    [
      'fail2ban is not installed',
      { folder: absent, config: absent, server: absent },
      { verdict: 'needs', key: 'package:fail2ban', reason: 'fail2ban is not installed' },
    ],
    ['fail2ban has no configuration', { config: absent }, { verdict: 'needs', key: 'package:fail2ban' }],
    [
      'the folder cannot be seen',
      { folder: unreadable('no') },
      { verdict: 'failed', reason: '/etc/fail2ban/jail.d could not be looked at: no' },
    ],
    [
      'the configuration cannot be read',
      { config: unreadable('no') },
      { verdict: 'failed', reason: "fail2ban's configuration could not be looked at: no" },
    ],
    [
      'the server cannot be asked',
      { server: unreadable('no') },
      { verdict: 'failed', reason: 'the running fail2ban could not be looked at: no' },
    ],
    [
      'the file cannot be seen',
      { file: unreadable('no') },
      { verdict: 'failed', reason: `${PATH} could not be looked at: no` },
    ],
    [
      'the file is a directory',
      { file: present(directoryState()) },
      { verdict: 'blocked', reason: `${PATH} exists, but is not a regular file; it was left alone` },
    ],
    [
      'the file is too large',
      { file: present(fileState()) },
      { verdict: 'blocked', reason: `${PATH} is too large to be edited; it was left alone` },
    ],
    [
      'the file cannot be understood',
      { own: `${SECTION}junk\n` },
      {
        verdict: 'blocked',
        reason: `${PATH}:11 is not a line that fail2ban can read; the file was left alone`,
      },
    ],
    [
      'the file has a value twice',
      { own: `${SECTION}maxretry = 2\n` },
      {
        verdict: 'blocked',
        reason: `${PATH}:11 is not a line that fail2ban can read; the file was left alone`,
      },
    ],
    [
      'the filter is missing',
      { filter: [absent] },
      { verdict: 'needs', key: `file:${FILTER}`, reason: `the filter ${FILTER} does not exist` },
    ],
    ['the filter cannot be seen', { filter: [unreadable('no')] }, { verdict: 'failed' }],
    [
      'the log is missing',
      { log: absent },
      {
        verdict: 'needs',
        key: `file:${LOG}`,
        reason: `${LOG} does not exist, and fail2ban would not start without it`,
      },
    ],
    [
      'the log cannot be seen',
      { log: unreadable('no') },
      { verdict: 'failed', reason: `${LOG} could not be looked at: no` },
    ],
    [
      'the log is a directory',
      { log: present(directoryState()) },
      { verdict: 'blocked', reason: `${LOG} is not a regular file` },
    ],
  ])('where %s', (_, host, verdict) => expect(plan(host)).toMatchObject(verdict));

  it('waits for nothing that this run will bring', () => {
    expect(
      plan({
        filter: [absent],
        log: absent,
        promises: [`file:${FILTER}`, `file:${LOG}`],
        file: absent,
        server: absent,
        config: config(),
      }),
    ).toMatchObject({ verdict: 'change' });
    expect(plan({ filter: [absent], log: absent, promises: [`file:${FILTER}`] })).toMatchObject({
      key: `file:${LOG}`,
    });
  });
});

describe("a jail's file", () => {
  it('that does not exist is written', () => {
    const verdict = plan({ file: absent, config: config(), server: server({}, 'sshd') });
    expect(verdict).toMatchObject({
      verdict: 'change',
      reason: 'there is no section [james] in its file',
      changes: [{ kind: 'write-file', path: PATH, before: { state: 'absent' }, mode: '0644' }, SYNC],
    });
    expect(written(verdict)).toBe(
      `# Settings made by harden; other settings and sections in this file are kept.\n\n${SECTION}`,
    );
  });

  it.each([
    ['enabled = true', 'enabled = false', 'enabled is false, wanted true'],
    ['filter = james', 'filter = apache', 'filter is apache, wanted james'],
    ['backend = auto', 'backend = systemd', 'backend is systemd, wanted auto'],
    ['backend = auto\n', '', 'backend is not set, wanted auto'],
    [LOG, '/var/log/mail.log', `logpath is /var/log/mail.log, wanted ${LOG}`],
    [LOG, `${LOG}\n  /var/log/b`, `logpath is ${LOG} /var/log/b, wanted ${LOG}`],
    ['120m', '120x', 'bantime is 120x, wanted 120m'],
    ['120m', '', 'bantime is empty, wanted 120m'],
    ['= 20m', '= 10m', 'findtime is 10m, wanted 20m'],
    ['maxretry = 2', 'maxretry = 20', 'maxretry is 20, wanted 2'],
    [' 192.0.2.7', '', 'ignoreip is 127.0.0.1/8 ::1, wanted 127.0.0.1/8 ::1 192.0.2.7'],
  ])('with %j as %j is mended there', (right, wrong, reason) => {
    const own = `# mine\n[sshd]\nport = 22\n\n${SECTION.replace(right, wrong)}\n[x]\ny = \xe9\n`;
    const verdict = plan({ own });
    expect(verdict).toMatchObject({ verdict: 'change', reason });
    expect(changesOf(verdict)).toEqual([
      {
        kind: 'write-file',
        path: PATH,
        before: { state: 'file', sha256: 'old', content: Buffer.from(own, 'latin1') },
        content: expect.anything(),
      },
      SYNC,
    ]);
    const lines = (text: string) => text.split('\n').sort();
    // a new line goes to the end of its section
    expect(lines(written(verdict))).toEqual(
      lines(`# mine\n[sshd]\nport = 22\n\n${SECTION}\n[x]\ny = \xe9\n`),
    );
  });

  it('names all that differs', () => {
    expect(
      plan({ own: SECTION.replace('120m', '1h').replace('maxretry = 2', 'maxretry = 3') }),
    ).toMatchObject({
      reason: 'bantime is 1h, wanted 120m, maxretry is 3, wanted 2',
    });
  });

  it('with other ports needs a restart of a jail that runs: a reload leaves the old ones in the kernel', () => {
    const own = SECTION.replace('smtp,imap', 'smtp');
    expect(plan({ own })).toMatchObject({ changes: [{}, { ...SYNC, restart: ['james'] }] });
    expect(plan({ own, server: server({}, 'sshd') })).toMatchObject({ changes: [{}, SYNC] });
    expect(plan({ own, server: absent })).toMatchObject({ changes: [{}, SYNC] });
  });

  it('has no word of a server that follows from it', () => {
    expect(plan({ own: SECTION.replace('120m', '1h'), server: server({ bantime: 3600 }) })).toMatchObject({
      reason: 'bantime is 1h, wanted 120m',
    });
  });

  it('that is disabled asks for no jail and for no filter', () => {
    expect(plan({}, { enabled: false })).toMatchObject({
      reason: 'enabled is true, wanted false',
      changes: [{}, { jails: [], filters: [], restart: [] }],
    });
  });

  it('may be one that others use', () => {
    const file = '/etc/fail2ban/jail.local';
    const verdict = plan({ own: '[DEFAULT]\nbantime = 1h\n' }, { file });
    expect(verdict).toMatchObject({
      reason: 'there is no section [james] in its file',
      changes: [{ path: file }, { ...SYNC, restart: ['james'] }],
    });
    expect(written(verdict)).toBe(`[DEFAULT]\nbantime = 1h\n\n${SECTION}`);
  });

  it('keeps what the host ignores by default', () => {
    const all = config(['jail.conf', '[DEFAULT]\nignoreip = 10.0.0.0/8'], ['jail.d/james.conf', SECTION]);
    expect(plan({ config: all })).toMatchObject({
      reason: 'ignoreip is 127.0.0.1/8 ::1 192.0.2.7, wanted 127.0.0.1/8 ::1 192.0.2.7 10.0.0.0/8',
    });
  });

  it('keeps an ignoreip that nobody asked for, and says so', () => {
    expect(plan({}, { trusted: [] })).toEqual({
      verdict: 'ok',
      reason: 'it runs with these values',
      notes: [`${PATH} ignores 127.0.0.1/8, ::1 and 192.0.2.7; that is kept because trusted is empty`],
    });
  });
});

describe('a running jail', () => {
  it.each<[string, Partial<Jail>, string, string[]?]>([
    ['bantime', { bantime: 600 }, 'the running server has bantime 600, wanted 120m'],
    ['findtime', { findtime: 600 }, 'the running server has findtime 600, wanted 20m'],
    ['maxretry', { maxretry: 5 }, 'the running server has maxretry 5, wanted 2'],
    ['log', { logpath: [] }, `the running jail does not watch ${LOG}`],
    ['ignoreip', { ignoreip: [] }, 'the running jail would ban 192.0.2.7'],
    [
      'ports',
      { actions: [{ name: 'x', port: 'smtp' }] },
      'the running jail closes the ports smtp, wanted smtp,imap',
      ['james'],
    ],
    ['bans', { unenforced: ['198.51.100.9'] }, 'banned, but not in the kernel: 198.51.100.9', ['james']],
    ['threads', { started: false }, 'the jail is listed, but was never started'],
  ])('with other %s takes over the file', (_, jail, reason, restart = []) =>
    expect(plan({ server: server(jail) })).toEqual({
      verdict: 'change',
      reason: `${reason}; the file is right`,
      changes: [{ ...SYNC, restart }],
      notes: [],
    }),
  );

  it.each<[string, Host, string]>([
    ['is stopped', { server: server({}, 'sshd') }, 'the jail does not run'],
    ['has no server', { server: absent }, 'fail2ban is not running'],
  ])('that %s is started', (_, host, reason) =>
    expect(plan(host)).toEqual({
      verdict: 'change',
      reason: `${reason}; the file is right`,
      changes: [SYNC],
      notes: [],
    }),
  );

  it('that is disabled is stopped', () =>
    expect(plan({ own: SECTION.replace('true', 'false') }, { enabled: false })).toEqual({
      verdict: 'change',
      reason: 'the jail runs, but it is disabled; the file is right',
      changes: [{ ...SYNC, jails: [], filters: [] }],
      notes: [],
    }));
});

describe('another file', () => {
  const host = (...others: [string, string][]) => ({
    config: config(['jail.d/james.conf', SECTION], ...others),
  });

  it.each<[string, string, number, string, string]>([
    ['jail.local', '[james]\nbantime = 5m', 2, 'bantime', '5m'],
    ['jail.local', '\n\n[x]\n[james]\nenabled = false', 5, 'enabled', 'false'],
    ['jail.d/z.conf', '[james]\nlogpath =', 2, 'logpath', 'nothing'],
    ['jail.d/a.local', '[james]\nignoreip = ::1', 2, 'ignoreip', '::1'],
    ['jail.d/zz-harden.local', '[james]\nport = ssh', 2, 'port', 'ssh'],
  ])('%s that overrides ours blocks, with file and line', (name, text, line, key, value) => {
    const reason = `/etc/fail2ban/${name}:${line} sets ${key} of [james] to ${value} and overrides ${PATH}; remove it there, or set override: true`;
    expect(plan(host([name, text]))).toEqual({ verdict: 'blocked', reason });
    // also where ours is yet to be written: it would be of no use
    expect(plan({ ...host([name, text]), own: '' })).toEqual({ verdict: 'blocked', reason });
  });

  it.each<[string, string]>([
    ['jail.conf', '[DEFAULT]\nbantime = 10m'],
    ['jail.d/a.conf', '[james]\nbantime = 5m'],
    ['jail.local', '[DEFAULT]\nbantime = 5m'],
    ['jail.local', '[james]\nbantime = 2h'],
    ['jail.local', '[james]\naction = x'],
    ['jail.local', '[sshd]\nbantime = 5m'],
  ])('%s with %j overrides nothing of ours', (name, text) => {
    const files: [string, string][] = [
      [name, text],
      ['jail.d/james.conf', SECTION],
    ];
    expect(plan({ config: config(...files) })).toMatchObject({ verdict: 'ok' });
  });

  it('is itself overridden where that was asked for', () => {
    const verdict = plan(host(['jail.local', '[james]\nbantime = 5m\nmaxretry = 9']), { override: true });
    expect(verdict).toMatchObject({
      verdict: 'change',
      reason: '/etc/fail2ban/jail.local:2 overrides bantime, /etc/fail2ban/jail.local:3 overrides maxretry',
      changes: [{ kind: 'write-file', path: OVERRIDE, before: { state: 'absent' }, mode: '0644' }, SYNC],
    });
    expect(written(verdict)).toMatch(/\n\[james\]\nbantime = 120m\nmaxretry = 2\n$/);
  });

  it('is overridden for good: the second time there is nothing to do', () => {
    const ours = '[james]\nbantime = 120m\n';
    const seen = host(['jail.local', '[james]\nbantime = 5m'], ['jail.d/zz-harden.local', ours]);
    expect(plan({ ...seen, override: [contentOf(ours, OVERRIDE)] }, { override: true })).toMatchObject({
      verdict: 'ok',
    });
  });

  it('is overridden beside what our file for it already holds', () => {
    const ours = '[sshd]\nmaxretry = 2\n\n[james]\nbantime = 1h\n';
    const seen = host(['jail.local', '[james]\nbantime = 5m'], ['jail.d/zz-harden.local', ours]);
    const verdict = plan({ ...seen, override: [contentOf(ours, OVERRIDE)] }, { override: true });
    expect(verdict).toMatchObject({ reason: `${OVERRIDE}:5 overrides bantime` });
    expect(written(verdict)).toBe('[sshd]\nmaxretry = 2\n\n[james]\nbantime = 120m\n');
  });

  it('blocks all the same where it comes after our overrides', () => {
    expect(plan(host(['jail.d/zzz.local', '[james]\nbantime = 5m']), { override: true })).toEqual({
      verdict: 'blocked',
      reason: `/etc/fail2ban/jail.d/zzz.local:2 sets bantime of [james] to 5m and overrides ${PATH}; remove it there`,
    });
  });

  it('blocks where our file of overrides cannot be edited', () => {
    const seen = host(['jail.local', '[james]\nbantime = 5m']);
    for (const [file, verdict] of [
      [contentOf('junk', OVERRIDE), 'blocked'],
      [present(directoryState()), 'blocked'],
      [unreadable('no'), 'failed'],
    ] as const) {
      expect(plan({ ...seen, override: [file] }, { override: true })).toMatchObject({
        verdict,
        reason: expect.stringContaining(OVERRIDE),
      });
    }
  });
});

describe('the sshd jail', () => {
  const SSHD: JailParams = {
    name: 'sshd',
    file: '/etc/fail2ban/jail.d/defaults-debian.conf',
    bantime: '120m',
    findtime: '60m',
    maxretry: 2,
  };
  const running = server(
    {
      findtime: 3600,
      logpath: ['/var/log/auth.log'],
      ignoreip: ['127.0.0.0/8', '::1'],
      actions: [{ name: 'iptables-multiport', port: 'ssh' }],
    },
    'sshd',
  );
  const logger = (activeState: string) =>
    present<UnitState>({
      activeState,
      unitFileState: 'enabled',
      needDaemonReload: false,
      stateChange: 1,
      dropIns: [],
      wantedBy: [],
    });
  const RUNS = logger('active');
  const STOPPED = logger('inactive');
  const sshd = (own: string, seen: Partial<Seen> = {}, others: [string, string][] = [], over: Over = {}) =>
    task.plan(
      { ...SSHD, ...over } as JailParams,
      {
        folder: present(directoryState()),
        file: contentOf(own, SSHD.file),
        override: [],
        filter: [],
        log: present(fileState()),
        loggers: [absent, RUNS, absent],
        config: config(
          ['jail.conf', '[DEFAULT]\nbackend = auto'],
          ['jail.d/defaults-debian.conf', own],
          ...others,
        ),
        server: running,
        firewall: [],
        tools: TOOLS,
        dump: dump(),
        smtp: [],
        james: [],
        ...seen,
      },
      context(),
    );
  const VALUES = 'bantime = 120m\nfindtime = 60m\nmaxretry = 2\n';
  const OWN = `[sshd]\nenabled = true\n${VALUES}`;
  const NOTHING = '/var/log/auth.log does not exist, so the jail has to read the journal: backend = systemd';

  it('adds its values to what the distribution shipped, and changes nothing else', () => {
    const shipped =
      '[DEFAULT]\nbanaction = nftables\n\n[sshd]\nbackend = systemd\njournalmatch = _COMM=sshd\nenabled = true\n';
    const verdict = sshd(shipped, { log: absent });
    expect(verdict).toMatchObject({
      reason:
        'bantime is not set, wanted 120m, findtime is not set, wanted 60m, maxretry is not set, wanted 2',
      changes: [{ path: SSHD.file }, { jails: ['sshd'], filters: [], restart: [] }],
    });
    expect(written(verdict)).toBe(shipped + VALUES);
  });

  it('reads the journal where there is no auth.log: fail2ban would not start at all', () => {
    const verdict = sshd('[sshd]\nenabled = true\n', { log: absent });
    expect(verdict).toMatchObject({ verdict: 'change', reason: expect.stringContaining(NOTHING) });
    expect(written(verdict)).toBe(`[sshd]\nenabled = true\nbackend = systemd\n${VALUES}`);
    // what is written is what the next look finds right
    expect(sshd(written(verdict), { log: absent })).toMatchObject({ verdict: 'ok' });
  });

  it.each<[string, Seen['loggers']]>([
    ['no syslog service is there', [absent, absent, absent]],
    ['the one that is there does not run', [STOPPED, STOPPED, absent]],
  ])('reads the journal where auth.log is a leftover, since %s', (_, loggers) => {
    const verdict = sshd(OWN, { loggers });
    expect(verdict).toMatchObject({
      verdict: 'change',
      reason:
        'nothing writes /var/log/auth.log, since no syslog service runs, so the jail has to read the journal: backend = systemd',
      changes: [{ path: SSHD.file }, { jails: ['sshd'] }],
    });
    expect(sshd(written(verdict), { loggers })).toMatchObject({ verdict: 'ok' });
  });

  it.each<[string, Partial<Seen>, [string, string][], Over]>([
    ['a syslog service writes auth.log', {}, [], {}],
    ['whether one runs cannot be seen', { loggers: [absent, unreadable('no'), absent] }, [], {}],
    ['auth.log cannot be seen', { log: unreadable('no') }, [], {}],
    [
      'somebody set a back end by default',
      { log: absent },
      [['jail.local', '[DEFAULT]\nbackend = systemd']],
      {},
    ],
    [
      'somebody set a back end of the jail',
      { log: absent },
      [['jail.local', '[sshd]\nbackend = polling']],
      {},
    ],
    [
      'its filter is another one',
      { log: absent, filter: [present(fileState())] },
      [],
      { filter: 'dropbear' },
    ],
  ])('keeps its back end where %s', (_, seen, others, over) => {
    const verdict = sshd(`[sshd]\nenabled = true\n`, seen, others, over);
    expect(verdict.verdict).toBe('change');
    expect(written(verdict)).not.toContain('backend');
  });

  const NOTE =
    'Your address 192.0.2.7 is not in trusted: 2 failed logins from it within 60m close SSH to it for 120m. Consider adding it.';
  it.each<[string, string, Over, [string, string][], readonly string[]]>([
    ['nobody is trusted', OWN, {}, [], [NOTE]],
    ['another one is trusted', OWN, { trusted: ['198.51.100.0/24'] }, [], [NOTE]],
    ['the operator is trusted', OWN, { trusted: ['192.0.2.0/24'] }, [], []],
    ['the host ignores the operator', OWN, {}, [['jail.local', '[DEFAULT]\nignoreip = ::1, 192.0.2.7']], []],
    [
      'the host ignores others, by name as well',
      OWN,
      {},
      [['jail.local', '[DEFAULT]\nignoreip = ::1 a.b']],
      [NOTE],
    ],
    ['it is disabled', OWN, { enabled: false }, [], []],
    ['its filter is another one', OWN, { filter: 'dropbear' }, [], []],
    [
      'numbers are given',
      OWN,
      { maxretry: 1, findtime: 3600, bantime: '7200' },
      [],
      [
        'Your address 192.0.2.7 is not in trusted: 1 failed login from it within 3600 s closes SSH to it for 7200 s. Consider adding it.',
      ],
    ],
  ])('recommends to trust the operator where %s: %#', (_, own, over, others, notes) => {
    const filter = over.filter ? [present(fileState())] : [];
    expect(sshd(own, { filter }, others, over).notes).toEqual(notes);
  });

  it('reads the journal with options of its filter, too', () => {
    const over = { filter: 'sshd[mode=aggressive]' };
    expect(sshd('', { log: absent, filter: [present(fileState())] }, [], over)).toMatchObject({
      reason: `there is no section [sshd] in its file; ${NOTHING}`,
      changes: [{}, { filters: ['/etc/fail2ban/filter.d/sshd.conf'] }],
    });
  });
});

describe('keys', () => {
  it('owns its section and its jail', () => {
    expect(task.owns(jailParams())).toEqual([`section:${PATH}#james`, 'jail:james']);
    expect(task.owns(jailParams({ file: '/etc/fail2ban/jail.local', override: true }))).toEqual([
      'section:/etc/fail2ban/jail.local#james',
      'jail:james',
      `section:${OVERRIDE}#james`,
    ]);
  });

  it('relies on its filter without options and on its log', () => {
    expect(task.relies?.(jailParams({ filter: 'sshd[mode=x]' }))).toEqual([
      'package:fail2ban',
      'file:/etc/fail2ban/filter.d/sshd.conf',
      `file:${LOG}`,
    ]);
  });
});
