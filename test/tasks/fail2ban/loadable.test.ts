import { describe, expect, it } from 'vitest';
import type { DumpedJail } from '../../../src/probes/fail2ban-dump.ts';
import { type Loading, skippedOthers, unloadable } from '../../../src/tasks/fail2ban/loadable.ts';
import { runningJail } from './fixtures/jail.ts';

const WELL: DumpedJail = { actions: ['a'], watches: true };
const IDLE: DumpedJail = { ...WELL, actions: [] };
const LOGLESS: DumpedJail = { ...WELL, watches: false };
const SKIPPED: DumpedJail = { skipped: 'no filter', actions: [], watches: false };

const loading = (jails: { [name: string]: DumpedJail }, over: Partial<Loading> = {}): Loading => ({
  name: 'mine',
  dump: { jails: new Map(Object.entries(jails)) },
  files: [],
  running: new Map([
    ['mine', runningJail()],
    ['other', runningJail()],
  ]),
  mending: false,
  promised: () => false,
  managed: (name) => name === 'ours' || name === 'mine',
  ...over,
});
const refused = (refusal: string, over: Partial<Loading> = {}) =>
  loading({}, { dump: { refusal, jails: new Map() }, ...over });

const inFilter = "Source contains parsing errors: '/etc/fail2ban/filter.d/x.conf' [line  2]: 'y'";
const inSection = (name: string) => `Bad value substitution: option 'logpath' in section '${name}' contains`;

describe('a jail as fail2ban would run it from its files', () => {
  it.each<[string, Loading]>([
    ['is well', loading({ mine: WELL, other: WELL })],
    ['is not there', loading({ other: WELL })],
    ['finds no log yet', loading({ mine: LOGLESS }, { mending: true })],
    ['is left out before it is mended', loading({ mine: SKIPPED }, { mending: true })],
    ['is beside one that another task judges', loading({ mine: WELL, ours: LOGLESS })],
    ['is beside one that is left out', loading({ mine: WELL, other: SKIPPED })],
    [
      'is beside one that bans nobody, and that nothing makes fail2ban read',
      loading({ mine: WELL, other: IDLE }),
    ],
    [
      'is changed beside one that never banned',
      loading({ mine: WELL, other: IDLE }, { mending: true, running: new Map() }),
    ],
    ['is the one that is refused and mended', refused(inSection('mine'), { mending: true })],
    ['is not the one that is refused', refused(inSection('ours'))],
    [
      'waits for a file that this run writes',
      refused(inFilter, { promised: (path) => path.endsWith('x.conf') }),
    ],
  ])('that %s is all right', (_, seen) => expect(unloadable(seen)).toBeUndefined());

  it.each<[string, Loading, string]>([
    ['a file cannot be read', refused(inFilter), `would not start again: ${inFilter}; mend what that names`],
    ['it cannot be read', refused(inSection('mine')), 'would not start again'],
    ['another one cannot be read, and it changes', refused(inSection('other'), { mending: true }), 'option'],
    ['it finds no log', loading({ mine: LOGLESS }), '[mine] keeps fail2ban from starting again'],
    [
      'another one finds no log',
      loading(
        { mine: WELL, other: LOGLESS },
        {
          mending: true,
          files: [{ path: '/etc/fail2ban/jail.d/o.conf', text: '[other]\nenabled = true\nlogpath = /nope' }],
        },
      ),
      '[other] keeps fail2ban from starting again, with all its jails: /nope does not exist (/etc/fail2ban/jail.d/o.conf:3); make the log, or disable that jail',
    ],
    [
      'it is left out',
      loading({ mine: SKIPPED }),
      'fail2ban leaves out [mine] when it reads its files: no filter',
    ],
    ['it has no action', loading({ mine: IDLE }), 'no file of fail2ban gives [mine] an action'],
    [
      'its change would take the action of another one',
      loading({ mine: WELL, other: IDLE }, { mending: true }),
      'no file of fail2ban gives [other] an action',
    ],
  ])('does not run where %s', (_, seen, why) => expect(unloadable(seen)).toContain(why));

  it('tells of others that are left out', () =>
    expect(skippedOthers(loading({ mine: SKIPPED, ours: SKIPPED, other: SKIPPED, well: WELL }))).toEqual([
      'fail2ban leaves out [other] when it reads its files: no filter',
    ]));
});
