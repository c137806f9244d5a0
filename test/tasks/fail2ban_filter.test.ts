import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Fail2ban, Jail } from '../../src/probes/fail2ban.ts';
import { absent, present, unreadable } from '../../src/probes/probe.ts';
import { filterFile } from '../../src/tasks/fail2ban/filter-file.ts';
import { jamesFailregex } from '../../src/tasks/fail2ban/james.ts';
import { fail2banFilterTask as task } from '../../src/tasks/fail2ban_filter.ts';
import { context, directoryState, fileOf, fileState } from './context.ts';
import { runningJail } from './fail2ban/fixtures/jail.ts';

type Seen = Parameters<typeof task.plan>[1];
type Params = Parameters<typeof task.plan>[0];

const PATH = '/etc/fail2ban/filter.d/james.conf';
const LOCAL = '/etc/fail2ban/filter.d/james.local';
const PRESET: Params = { name: 'james', preset: 'james' };

const contentOf = (content: Buffer, realPath = PATH) =>
  present(
    fileState({
      realPath,
      content,
      sha256: createHash('sha256').update(content).digest('hex'),
      size: content.length,
    }),
  );
/** As a server shows it. */
const expand = (regex: string) =>
  regex.replace(
    '<ADDR>',
    String.raw`\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?`,
  );
const server = (over: Partial<Jail> = {}, name = 'james') =>
  present<Fail2ban>({
    running: true,
    jails: new Map([[name, runningJail({ failregex: jamesFailregex('3.8.1').map(expand), ...over })]]),
  });
const RIGHT = contentOf(filterFile(jamesFailregex('3.8.1'), []));

const plan = (seen: Partial<Seen> = {}, params: Params = PRESET) =>
  task.plan(
    params,
    {
      file: RIGHT,
      local: absent,
      folder: present(directoryState()),
      james: params.preset ? [present({ version: '3.8.1' })] : [],
      server: server(),
      dump: present({ jails: new Map() }),
      config: present([]),
      ...seen,
    },
    context(),
  );

const SYNC = { kind: 'sync-fail2ban', jails: ['james'], filters: [PATH], restart: [] };

describe('a filter', () => {
  it.each<[string, Partial<Seen>, string]>([
    ['runs', {}, 'james runs with it'],
    ['is right, the jail does not run', { server: server({}, 'sshd') }, 'the file is right'],
    ['is right, fail2ban does not run', { server: absent }, 'the file is right'],
    // the tags are what the server made of them; the order is its own
    [
      'runs in another order',
      { server: server({ failregex: jamesFailregex('3.8.1').map(expand).reverse() }) },
      'james',
    ],
    [
      'has a .local without settings of ours',
      { local: contentOf(Buffer.from('[Definition]\n# failregex = x\n[Init]\nfailregex = y\n'), LOCAL) },
      'james',
    ],
  ])('%s', (_, seen, reason) =>
    expect(plan(seen)).toEqual({ verdict: 'ok', reason: expect.stringContaining(reason), notes: [] }),
  );

  it.each<[string, Partial<Seen>, object]>([
    [
      'James is not installed',
      { james: [absent] },
      { verdict: 'blocked', reason: 'James is not installed: /opt/james does not exist' },
    ],
    [
      'James cannot be seen',
      { james: [unreadable('no')] },
      { verdict: 'failed', reason: '/opt/james could not be looked at: no' },
    ],
    ['fail2ban is not installed', { folder: absent }, { verdict: 'needs', key: 'package:fail2ban' }],
    ['the folder cannot be seen', { folder: unreadable('no') }, { verdict: 'failed' }],
    [
      'the file cannot be seen',
      { file: unreadable('no') },
      { verdict: 'failed', reason: `${PATH} could not be looked at: no` },
    ],
    [
      'the file is none',
      { file: present(directoryState({ realPath: PATH })) },
      { verdict: 'blocked', reason: `${PATH} exists, but is not a regular file; it was left alone` },
    ],
    // "could not look" must not read as "does not run"
    [
      'the server cannot be asked',
      { server: unreadable('timed out') },
      { verdict: 'failed', reason: 'fail2ban could not be asked: timed out' },
    ],
    [
      'the .local cannot be seen',
      { local: unreadable('no') },
      { verdict: 'failed', reason: `${LOCAL} could not be looked at: no` },
    ],
  ])('where %s', (_, seen, verdict) => expect(plan(seen)).toMatchObject(verdict));

  it.each([
    ['failregex', '# ours\n[Definition]\nfailregex = x\n', 3],
    ['ignoreregex', '[Definition]\nignoreregex =\n', 2],
    ['prefregex', '[Definition]\n\nprefregex = x\n', 3],
    ['datepattern', '[Definition]\nDatePattern: x', 2],
    ['maxlines', '[Definition]\nmaxlines = 2', 2],
  ])('whose %s another file overrides is blocked, with file and line', (key, text, line) => {
    for (const file of [RIGHT, absent]) {
      expect(plan({ file, local: contentOf(Buffer.from(text), LOCAL) })).toEqual({
        verdict: 'blocked',
        reason: `${LOCAL}:${line} sets ${key} and overrides ${PATH}; remove it there`,
      });
    }
  });

  it('that does not exist is written, and the running jail takes it over', () => {
    expect(plan({ file: absent })).toEqual({
      verdict: 'change',
      reason: 'it does not exist',
      changes: [
        {
          kind: 'write-file',
          path: PATH,
          before: { state: 'absent' },
          content: filterFile(jamesFailregex('3.8.1'), []),
          mode: '0644',
        },
        SYNC,
      ],
      notes: [],
    });
  });

  it.each([server({}, 'sshd'), absent])('is no reason to start a jail: %#', (seen) => {
    expect(plan({ file: absent, server: seen })).toMatchObject({ changes: [{}, { ...SYNC, jails: [] }] });
  });

  it('that was changed is written again, where it really lies, and only over what was seen', () => {
    const old = Buffer.from('[Definition]\nfailregex = (?i)<HOST>\n');
    const verdict = plan({ file: contentOf(old, '/srv/filter.conf') });
    const sha256 = createHash('sha256').update(old).digest('hex');
    expect(verdict).toMatchObject({
      verdict: 'change',
      reason: 'its content differs',
      changes: [{ path: '/srv/filter.conf', before: { state: 'file', sha256, content: old } }, SYNC],
    });
    // its mode is the administrator's
    expect(fileOf(verdict)).not.toHaveProperty('mode');
  });

  it.each<[string, Partial<Jail>]>([
    ['one more', { failregex: [...jamesFailregex('3.8.1'), '^x <ADDR>'].map(expand) }],
    ['one less', { failregex: jamesFailregex('3.8.1').slice(1).map(expand) }],
    ['another one', { failregex: jamesFailregex('3.8.1').map((regex) => expand(regex).replace('$', '')) }],
    [
      'one of them instead of each',
      { failregex: jamesFailregex('3.8.1').map(() => expand(jamesFailregex('3.8.1')[0]!)) },
    ],
    ['none', { failregex: [] }],
    ['an exception', { ignoreregex: ['^x$'] }],
  ])('of which the server runs %s is loaded again', (_, jail) => {
    expect(plan({ server: server(jail) })).toEqual({
      verdict: 'change',
      reason: 'the running jail james uses other regexes; the file is right',
      changes: [SYNC],
      notes: [],
    });
  });

  it.each<[Partial<Jail>, string]>([
    [{ prefregex: '^x' }, 'the prefix ^x'],
    [{ datepattern: '%Y Year' }, 'the date pattern %Y Year'],
    [{ datepattern: 'Epoch' }, 'the date pattern Epoch'],
    [{ maxlines: 5 }, '5 lines at once'],
  ])('of which the server does not see each line needs a restart of the jail: %j', (jail, what) => {
    expect(plan({ server: server(jail) })).toMatchObject({
      verdict: 'change',
      reason: `the running jail james uses ${what}; the file is right`,
      changes: [{ ...SYNC, restart: ['james'] }],
    });
  });

  it('is all right with the detectors of dates that fail2ban has', () =>
    expect(plan({ server: server({ datepattern: 'Default Detectors' }) })).toMatchObject({ verdict: 'ok' }));

  it('is compared with the jail that uses it', () => {
    const params: Params = { ...PRESET, jail: 'mail' };
    expect(plan({ server: server({ failregex: [] }, 'mail') }, params)).toMatchObject({
      reason: 'the running jail mail uses other regexes; the file is right',
      changes: [{ jails: ['mail'] }],
    });
    expect(plan({ server: server({ failregex: [] }) }, params)).toMatchObject({ verdict: 'ok' });
  });

  it('is of the version of James that is installed', () => {
    const verdict = plan({ james: [present({ version: '3.10.0-SNAPSHOT' })] });
    expect(verdict).toMatchObject({ reason: 'its content differs', notes: [] });
    expect(fileOf(verdict).content.toString()).toContain('SMTP Authentication failed');
  });

  it('of an unknown version counts AuthCmdHandler and says so', () => {
    expect(plan({ james: [present({ version: undefined })] })).toEqual({
      verdict: 'ok',
      reason: 'james runs with it',
      notes: [expect.stringMatching(/version of James in \/opt\/james is not known.*AuthCmdHandler/)],
    });
  });

  it("may hold the user's own regexes", () => {
    const params: Params = { name: 'mine', failregex: ['^<ADDR>$'], ignoreregex: ['^x$'] };
    const file = contentOf(filterFile(['^<ADDR>$'], ['^x$']), '/etc/fail2ban/filter.d/mine.conf');
    const running = server({ failregex: [expand('^<ADDR>$')], ignoreregex: ['^x$'] }, 'mine');
    expect(plan({ file, server: running }, params)).toEqual({
      verdict: 'ok',
      reason: 'mine runs with it',
      notes: [],
    });
    expect(plan({ file: absent, server: running }, params)).toMatchObject({
      changes: [
        { path: '/etc/fail2ban/filter.d/mine.conf' },
        { filters: ['/etc/fail2ban/filter.d/mine.conf'] },
      ],
    });
  });

  it('asks for James only where its preset is wanted', () => {
    const of = (params: Params) => task.questions(params, { prove: false, local: new Map() }).james;
    expect(of({ name: 'x', failregex: ['^<ADDR>$'] })).toEqual([]);
    expect(of(PRESET)).toMatchObject([{ arg: '/opt/james' }]);
    expect(of({ ...PRESET, james_home: '/srv/james' })).toMatchObject([{ arg: '/srv/james' }]);
  });

  it('owns its file', () => expect(task.owns(PRESET)).toEqual([`file:${PATH}`]));
});

describe('check', () => {
  const regex = ['^<ADDR>$'];

  it.each<Params>([PRESET, { ...PRESET, james_home: '/srv/james' }, { name: 'x', failregex: regex }])(
    'has nothing against %j',
    (params) => expect(task.check?.(params)).toEqual([]),
  );

  it.each<[Omit<Params, 'name'>, (string | number)[], string]>([
    [{}, [], 'give either preset or failregex'],
    [{ preset: 'james', failregex: regex }, ['failregex'], 'give either preset or failregex'],
    [{ failregex: regex, james_home: '/x' }, ['james_home'], 'only beside preset: james'],
    [{ failregex: [...regex, 'x'] }, ['failregex', 1], 'exactly one of <ADDR>'],
    [{ failregex: regex, ignoreregex: ['x', ''] }, ['ignoreregex', 1], 'it is empty'],
  ])('refuses %j', (params, path, problem) =>
    expect(task.check?.({ name: 'x', ...params })).toEqual([[path, expect.stringContaining(problem)]]),
  );
});
