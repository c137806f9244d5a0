import { describe, expect, it } from 'vitest';
import type { DumpedJail } from '../../../src/probes/fail2ban-dump.ts';
import {
  idle,
  type Loading,
  lostByReload,
  skippedOthers,
  unloadable,
} from '../../../src/tasks/fail2ban/loadable.ts';
import { runningJail } from './fixtures/jail.ts';

const WELL: DumpedJail = { actions: ['a'], watches: true };
const IDLE: DumpedJail = { ...WELL, actions: [] };
const LOGLESS: DumpedJail = { ...WELL, watches: false };
const SKIPPED: DumpedJail = { skipped: 'no filter', actions: [], watches: false };
const REFUSED: DumpedJail = { ...WELL, refused: "bantime = never: name 'never' is not defined" };

type Jails = { readonly [name: string]: DumpedJail };

const loading = (jails: Jails, over: Partial<Loading> = {}): Loading => ({
  dump: { jails: new Map(Object.entries(jails)) },
  files: [],
  running: new Map([
    ['ours', runningJail()],
    ['other', runningJail()],
  ]),
  promised: () => false,
  managed: (name) => name === 'ours',
  ...over,
});
const refused = (refusal: string, over: Partial<Loading> = {}) =>
  loading({}, { dump: { refusal, jails: new Map() }, ...over });

const inFilter = "Source contains parsing errors: '/etc/fail2ban/filter.d/x.conf' [line  2]: 'y'";
const inSection = (name: string) => `Bad value substitution: option 'logpath' in section '${name}' contains`;
const OTHERS = { path: '/etc/fail2ban/jail.d/o.conf', text: '[other]\nenabled = true\nlogpath = /nope' };

describe('the files of fail2ban', () => {
  it.each<[string, Loading]>([
    ['are well', loading({ ours: WELL, other: WELL })],
    ['want a log that the task of that jail judges', loading({ ours: LOGLESS })],
    ['hold a value that the task of that jail judges', loading({ ours: REFUSED })],
    ['have a jail left out', loading({ ours: WELL, other: SKIPPED })],
    ['are refused for a section that a task judges', refused(inSection('ours'))],
    ['are written by this run', loading({ other: REFUSED }, { files: [OTHERS], promised: () => true })],
    [
      'are refused for one that this run writes',
      refused(inFilter, { promised: (path) => path.endsWith('x.conf') }),
    ],
  ])('that %s can be taken over', (_, seen) => expect(unloadable(seen)).toBeUndefined());

  it.each<[string, Loading, string]>([
    ['one cannot be read', refused(inFilter), `would not start again: ${inFilter}; mend what that names`],
    ['a section cannot be read', refused(inSection('other')), 'option'],
    [
      'a jail finds no log',
      loading({ ours: WELL, other: LOGLESS }, { files: [OTHERS] }),
      '[other] keeps fail2ban from starting again, with all its jails: /nope does not exist (/etc/fail2ban/jail.d/o.conf:3); make the log, let the jail read the journal (backend = systemd), or disable it',
    ],
    [
      'a jail has a value that the server refuses',
      loading({ ours: WELL, other: REFUSED }),
      "fail2ban cannot take [other] from its files (bantime = never: name 'never' is not defined), and once it reads them again no jail runs any more; mend that",
    ],
  ])('cannot be taken over where %s', (_, seen, why) => expect(unloadable(seen)).toContain(why));

  it('can be taken over where this run mends the jail', () => {
    expect(unloadable(loading({ ours: REFUSED }), () => false)).toContain('[ours]');
    expect(unloadable(loading({ other: REFUSED }), (jail) => jail === 'other')).toBeUndefined();
  });

  it('leave out jails that no task judges', () =>
    expect(skippedOthers(loading({ ours: SKIPPED, other: SKIPPED, well: WELL }))).toEqual([
      'fail2ban leaves out [other] when it reads its files: no filter',
    ]));
});

describe('a jail that fail2ban reads from its files', () => {
  it.each<[string, Jails, boolean, string | undefined]>([
    ['does something', { ours: WELL }, false, undefined],
    ['is not there', {}, false, undefined],
    ['is left out', { ours: SKIPPED }, false, 'leaves out [ours]'],
    ['is left out until it is mended', { ours: SKIPPED }, true, undefined],
    ['has no action', { ours: IDLE }, true, 'no file of fail2ban gives [ours] an action'],
  ])('%s', (_, jails, mending, why) => {
    const said = idle(loading(jails), 'ours', mending);
    if (why === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(why);
  });
});

describe('a reload', () => {
  it.each<[string, Loading, string | undefined]>([
    ['takes nothing away', loading({ ours: WELL, other: WELL }), undefined],
    ['goes without one of ours that is mended', loading({ ours: SKIPPED }), undefined],
    ['leaves out what does not run', loading({ other: SKIPPED }, { running: new Map() }), undefined],
    ['cannot take an action from what has none', loading({ other: IDLE }, { running: new Map() }), undefined],
    ['would end a jail that runs', loading({ other: SKIPPED }), '[other] runs, and fail2ban leaves it out'],
    ['would take an action', loading({ other: IDLE }), 'no file of fail2ban gives [other] an action'],
  ])('%s', (_, seen, why) => {
    const said = lostByReload(seen);
    if (why === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(why);
  });
});
