import { describe, expect, it } from 'vitest';
import { describe as describeChange } from '../../src/engine/describe.ts';
import type { FirewallState } from '../../src/probes/firewall.ts';
import type { Wave } from '../../src/probes/history.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import type { RunAndLater, RunFile, RunRecord, RunUnit } from '../../src/probes/run-record.ts';
import { rollbackTask } from '../../src/tasks/rollback.ts';
import type { Verdict } from '../../src/tasks/task.ts';
import { changesOf, context } from './context.ts';

const ID = 'a'.repeat(24);
const ATTRIBUTES = { mode: '0644', owner: 'root', group: 'root' };
const OLD = { ...ATTRIBUTES, sha256: 'old', content: Buffer.from('old') };
const NEW = { ...ATTRIBUTES, sha256: 'new', content: Buffer.from('new'), ctime: 100 };

const wave = (over: Partial<Wave> = {}): Wave => ({
  id: `${ID}00`,
  at: 0,
  who: 'ann@laptop',
  ended: true,
  guard: 'none',
  changes: 1,
  undone: 0,
  stopped: false,
  begun: [],
  done: [],
  failed: [],
  plan: { command: 'apply' },
  ...over,
});
const NOTHING: RunRecord = { id: ID, waves: [wave()], files: [], held: new Map(), units: [], packages: [] };
const run = (over: Partial<RunAndLater>): Observed<RunAndLater> =>
  present({ ...NOTHING, later: [], ...over });
/** A run that was laid down after it. */
const later = (letter: string, over: Partial<RunRecord>): RunRecord => ({
  ...NOTHING,
  id: letter.repeat(24),
  ...over,
});
const file = (over: Partial<RunFile> = {}): RunFile => ({
  path: '/etc/x',
  before: { state: 'file', copy: '/c', ...OLD },
  written: 'new',
  now: { state: 'file', ...NEW },
  ...over,
});
const unit = (over: Partial<RunUnit> = {}): RunUnit => ({
  unit: 'x.service',
  unitFileState: 'enabled',
  activeState: 'active',
  now: { unitFileState: 'enabled', activeState: 'active', stateChange: 200, loaded: true },
  ...over,
});
const families = (rules: readonly string[] | undefined): FirewallState['ipv4'] => ({
  active: present({
    chains: new Map([['INPUT', ['-j HARDEN']], ...(rules ? [['HARDEN', rules] as const] : [])]),
  }),
  other: absent,
  nat: absent,
});
const firewall = (rules: readonly string[] | undefined): Observed<FirewallState> =>
  present({
    version: '1.8.9',
    backend: 'nft',
    ipv4: families(rules),
    ipv6: { ...families(undefined), on: true },
    sshPorts: absent,
  });

const plan = (record: Observed<RunAndLater>, rules: Observed<FirewallState> = absent, which = ID): Verdict =>
  rollbackTask(which).type.plan({ run: which }, { record, firewall: rules }, context());
const did = (...args: Parameters<typeof plan>) =>
  changesOf(plan(...args)).map((change) =>
    [change.kind, 'path' in change ? change.path : 'unit' in change ? `${change.action} ${change.unit}` : '']
      .join(' ')
      .trim(),
  );

it('is blocked as a whole where one of the files cannot be changed', () => {
  const record = { files: [file({ path: '/etc/a' }), file()], held: new Map([['/etc/x', 'mount' as const]]) };
  expect(plan(run(record))).toMatchObject({
    verdict: 'blocked',
    reason: expect.stringMatching(/^\/etc\/x is a mount/),
  });
});

describe('files', () => {
  it.each<[string, Partial<RunFile>, string[]]>([
    ['one that it wrote over', {}, ['restore-file /etc/x']],
    ['one that it made', { before: { state: 'absent' } }, ['remove-file /etc/x']],
    [
      'one that it removed',
      { written: undefined as never, now: { state: 'absent' } },
      ['restore-file /etc/x'],
    ],
    [
      'the attributes of a directory',
      {
        before: { state: 'attributes', ...ATTRIBUTES, mode: '0700' },
        now: { state: 'directory', ...ATTRIBUTES, entries: [] },
      },
      ['set-attributes /etc/x'],
    ],
    [
      'the attributes of a file whose content is back',
      { now: { state: 'file', ...OLD, ctime: 1, owner: 'daemon' } },
      ['set-attributes /etc/x'],
    ],
    [
      'a directory that it made',
      { before: { state: 'absent' }, now: { state: 'directory', ...ATTRIBUTES, entries: [] } },
      ['remove-directory /etc/x'],
    ],
  ])('%s', (_, over, changes) => expect(did(run({ files: [file(over)] }))).toEqual(changes));

  it('come back after the directory that held them and was removed as well', () => {
    const folder = file({
      written: undefined as never,
      before: { state: 'directory', ...ATTRIBUTES, mode: '0750' },
      now: { state: 'absent' },
    });
    const removed = file({ path: '/etc/x/y', written: undefined as never, now: { state: 'absent' } });
    expect(did(run({ files: [removed, folder] }))).toEqual([
      'make-directory /etc/x',
      'restore-file /etc/x/y',
    ]);
  });

  it('go before the directory that holds them, which stays if others put something there', () => {
    const made = file({ path: '/etc/x/y', before: { state: 'absent' } });
    const directory = (...entries: string[]) =>
      file({ before: { state: 'absent' }, now: { state: 'directory', ...ATTRIBUTES, entries } });
    expect(did(run({ files: [directory('y'), made] }))).toEqual([
      'remove-file /etc/x/y',
      'remove-directory /etc/x',
    ]);
    expect(did(run({ files: [directory('y', 'z'), made] }))).toEqual(['remove-file /etc/x/y']);
  });

  it.each<[string, Partial<RunFile>]>([
    ['back already', { now: { state: 'file', ...OLD, ctime: 1 } }],
    ['made and gone', { before: { state: 'absent' }, now: { state: 'absent' } }],
  ])('that are %s need nothing', (_, over) =>
    expect(plan(run({ files: [file(over)] }))).toMatchObject({
      verdict: 'ok',
      reason: `everything is as it was before run ${ID} (ann@laptop)`,
    }),
  );

  it.each<[string, Partial<RunFile>, string]>([
    ['written since', { now: { state: 'file', ...NEW, sha256: 'other' } }, 'was changed'],
    [
      'made by it and written since',
      { before: { state: 'absent' }, now: { state: 'file', ...NEW, sha256: 'o' } },
      'was changed',
    ],
    ['removed since', { now: { state: 'absent' } }, 'was removed'],
    ['a directory now', { now: { state: 'directory', ...ATTRIBUTES, entries: [] } }, 'became a directory'],
    ['a link now', { now: { state: 'other' } }, 'became something that is neither'],
    ['not in its records', { before: { state: 'lost' } }, 'was before that run is not in its records'],
  ])('that are %s are left alone', (_, over, what) => {
    const verdict = plan(run({ files: [file({ path: '/etc/a' }), file(over)] }));
    expect(verdict.verdict).toBe('blocked');
    expect(verdict.reason).toContain(`/etc/x ${what}`);
  });

  it.each<[string, Partial<RunFile>, RunRecord[], string]>([
    [
      'whoever knows what it was',
      {},
      [],
      '/etc/x was changed since that run, by no apply that harden remembers: put it right yourself (what it was before lies in /c)',
    ],
    [
      'whoever needs it no more',
      { before: { state: 'absent' } },
      [],
      '/etc/x was changed since that run, by no apply that harden remembers: remove it yourself, for it was not there before',
    ],
    [
      'the later runs that did it',
      {},
      [later('d', { files: [file()] }), later('c', {}), later('b', { files: [file()] })],
      `/etc/x was changed since that run: roll back the later runs first, in this order: harden rollback --run ${'d'.repeat(24)}, harden rollback --run ${'b'.repeat(24)}`,
    ],
    [
      'nobody that was rolled back meanwhile',
      {},
      [later('b', { files: [file({ before: { state: 'file', copy: '/d', ...OLD, sha256: 'hand' } })] })],
      '/etc/x was changed since that run, by no apply that harden remembers: put it right yourself (what it was before lies in /c)',
    ],
  ])('that were changed since are for %s', (_, over, runs, reason) => {
    const now = { state: 'file', ...NEW, sha256: 'hand' } as const;
    const seen = runs.map((one) => ({ ...one, files: one.files.map((mine) => ({ ...mine, now })) }));
    expect(plan(run({ files: [file({ ...over, now })], later: seen }))).toEqual({
      verdict: 'blocked',
      reason,
    });
  });

  it('that the run itself removed do not count as gone with a package', () =>
    expect(
      did(
        run({
          files: [file({ written: undefined as never, now: { state: 'absent' } })],
          packages: [{ name: 'fail2ban', change: 'installed', there: false }],
        }),
      ),
    ).toEqual(['restore-file /etc/x']));

  it('that went with what the run purged are not called removed by somebody', () =>
    expect(
      plan(
        run({
          files: [file({ now: { state: 'absent' } })],
          packages: [{ name: 'fail2ban', change: 'removed', there: false }],
        }),
      ),
    ).toMatchObject({
      verdict: 'blocked',
      reason:
        '/etc/x went with what that run purged (fail2ban), and no rollback installs packages: harden apply makes all of it anew',
    }));

  it('that went with a package of the run are no obstacle', () =>
    expect(
      plan(
        run({
          files: [file({ now: { state: 'absent' } })],
          packages: [{ name: 'fail2ban', change: 'installed', there: false }],
        }),
      ).verdict,
    ).toBe('ok'));
});

it('a rollback shows nothing of content that must not be shown', () => {
  const secret = wave({ plan: { sensitive: ['/etc/x', '/etc/y'] } });
  const files = [file(), file({ path: '/etc/y', before: { state: 'absent' } })];
  const changes = changesOf(plan(run({ waves: [secret], files })));
  expect(changes).toHaveLength(2);
  expect(JSON.stringify(changes.map(describeChange))).not.toMatch(/old|new/);
  for (const change of changes) expect(change).toMatchObject({ sensitive: true });
});

describe('units', () => {
  it.each<[string, Partial<RunUnit>, string[]]>([
    [
      'one that it enabled and started',
      { unitFileState: 'disabled', activeState: 'inactive' },
      ['control-unit disable x.service', 'control-unit stop x.service'],
    ],
    [
      'one that it disabled and stopped',
      { now: { unitFileState: 'disabled', activeState: 'inactive', stateChange: 200, loaded: true } },
      ['control-unit enable x.service', 'control-unit start x.service'],
    ],
    [
      'one that it unmasked',
      { unitFileState: 'masked', activeState: 'inactive' },
      ['control-unit stop x.service', 'control-unit mask x.service'],
    ],
    ['one that is as it was', {}, []],
  ])('%s', (_, over, changes) => {
    const verdict = plan(run({ units: [unit(over)] }));
    if (changes.length === 0) expect(verdict.verdict).toBe('ok');
    else expect(did(run({ units: [unit(over)] }))).toEqual(changes);
  });

  it.each<[string, Partial<RunFile>, string[]]>([
    [
      'a link, once its file is gone',
      { before: { state: 'absent' } },
      ['remove-file /etc/systemd/system/x.service', 'control-unit mask x.service'],
    ],
    ['the empty file that comes back', {}, ['restore-file /etc/systemd/system/x.service']],
    ['a link that is there again', { before: { state: 'absent' }, now: { state: 'other' } }, []],
  ])('are masked by %s', (_, over, changes) => {
    const masked = unit({
      unitFileState: 'masked',
      activeState: 'inactive',
      now: {
        ...unit().now,
        activeState: 'inactive',
        unitFileState: changes.length > 0 ? 'enabled' : 'masked',
      },
    });
    const record = run({
      units: [masked],
      files: [file({ path: '/etc/systemd/system/x.service', ...over })],
    });
    if (changes.length === 0) expect(plan(record).verdict).toBe('ok');
    else expect(did(record)).toEqual(changes);
  });

  it('that ran take over what was put back, also after a rollback that was cut off before it', () => {
    expect(did(run({ files: [file()], units: [unit()] }))).toEqual([
      'restore-file /etc/x',
      'control-unit restart x.service',
    ]);
    const back = file({ now: { state: 'file', ...OLD, ctime: 300 } });
    expect(did(run({ files: [back], units: [unit()] }))).toEqual(['control-unit restart x.service']);
    // the file that stood there before is one that systemd cannot load
    const broken = unit({ now: { ...unit().now, loaded: false } });
    expect(plan(run({ files: [back], units: [broken] })).verdict).toBe('ok');
  });
});

describe('fail2ban', () => {
  const jail = file({
    path: '/etc/fail2ban/jail.d/x.conf',
    before: { state: 'file', copy: '/c', ...OLD, content: Buffer.from('[DEFAULT]\na = b\n[sshd]\n') },
    now: { state: 'file', ...NEW, content: Buffer.from('[sshd]\n[james]\n') },
  });

  it('that stays takes over what was put back; jails that only the run made may go', () =>
    expect(changesOf(plan(run({ files: [jail] }))).at(-1)).toMatchObject({
      kind: 'sync-fail2ban',
      gone: ['james'],
    }));

  it('that the run installed goes instead', () =>
    expect(
      did(run({ files: [jail], packages: [{ name: 'fail2ban', change: 'installed', there: true }] })),
    ).toEqual(['restore-file /etc/fail2ban/jail.d/x.conf', 'remove-packages']));
});

describe('rules', () => {
  const DROP = (hits: number) =>
    `-p tcp -m tcp --dport 25 -m conntrack --ctstate NEW -m recent --update --seconds 60 --hitcount ${hits} --name DDOS-SMTP --mask 255.255.255.255 --rsource -j DROP`;
  const had = (...rules: string[]) =>
    run({ waves: [wave({ plan: { rules: [{ family: 'ipv4', chain: 'HARDEN', rules }] } })] });

  it('that were others come back, those that were not there go, those that are back stay', () => {
    expect(did(had(DROP(4)), firewall([DROP(9)]))).toEqual(['load-rules']);
    expect(did(had(), firewall([DROP(9)]))).toEqual(['remove-rules']);
    expect(plan(had(DROP(9)), firewall([DROP(9)])).verdict).toBe('ok');
    expect(plan(had(), firewall(undefined)).verdict).toBe('ok');
  });

  it('that the host itself undid are back already', () =>
    expect(
      plan(
        run({
          waves: [
            wave({ guard: 'rolledback', plan: { rules: [{ family: 'ipv4', chain: 'HARDEN', rules: [] }] } }),
          ],
        }),
        firewall([DROP(9)]),
      ).verdict,
    ).toBe('ok'));

  it('that harden did not make are not loaded by it', () =>
    expect(plan(had('-s 192.0.2.1 -j LOG'), firewall([DROP(9)])).verdict).toBe('blocked'));

  it('that cannot be read are not guessed', () =>
    expect(plan(had(DROP(4)), unreadable('no lock')).verdict).toBe('failed'));
});

describe('packages', () => {
  const packages = [{ name: 'fail2ban', change: 'installed', there: true }] as const;
  const stands = { files: [file()] };
  const undone = { files: [file({ now: { state: 'file', ...OLD, ctime: 1 } })] };

  it.each<[string, RunRecord[]]>([
    ['no later run', []],
    ['later runs that changed nothing, or were undone', [later('c', {}), later('b', undone)]],
  ])('go where there is %s', (_, runs) =>
    expect(did(run({ packages, later: runs }))).toEqual(['remove-packages']),
  );

  it('stay as long as a later run stands that may need them', () =>
    expect(plan(run({ packages, later: [later('b', stands)] }))).toEqual({
      verdict: 'blocked',
      reason: `run ${ID} (ann@laptop) brought the packages fail2ban, which what came later may need: roll back the later run first: harden rollback --run ${'b'.repeat(24)}`,
    }));

  it('name the later runs that stand, the latest first', () =>
    expect(
      plan(run({ packages, later: [later('d', stands), later('c', undone), later('b', stands)] })).reason,
    ).toContain(
      `roll back the later runs first, in this order: harden rollback --run ${'d'.repeat(24)}, harden rollback --run ${'b'.repeat(24)}`,
    ));

  it('stay where it cannot be seen whether a later run stands', () => {
    const rules = [{ family: 'ipv4', chain: 'HARDEN', rules: [] }] as const;
    const one = later('b', { waves: [wave({ plan: { rules } })] });
    expect(plan(run({ packages, later: [one] }), unreadable('no lock')).verdict).toBe('failed');
  });

  it('that are gone already keep nobody from putting the rest back', () => {
    const gone = [{ ...packages[0], there: false }];
    expect(
      did(
        run({
          files: [file()],
          packages: gone,
          later: [later('b', { units: [unit({ activeState: 'inactive' })] })],
        }),
      ),
    ).toEqual(['restore-file /etc/x']);
  });
});

describe('a run', () => {
  it('that nobody knows is said to be so', () => {
    expect(plan(absent)).toMatchObject({ verdict: 'blocked' });
    expect(plan(absent, absent, 'last')).toMatchObject({ verdict: 'ok' });
    expect(plan(unreadable('why'))).toMatchObject({ verdict: 'failed' });
  });

  it('says what cannot be put back', () =>
    expect(
      plan(
        run({
          waves: [wave({ plan: { commands: ['make install'] } })],
          packages: [{ name: 'ufw', change: 'removed', there: false }],
        }),
      ).notes,
    ).toEqual([
      'what this command did stays: make install',
      'it removed the packages ufw; harden apply installs what the playbook wants again',
    ]));
});
