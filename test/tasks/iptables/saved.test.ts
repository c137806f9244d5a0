import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FileState } from '../../../src/probes/file.ts';
import { absent, type Observed, present, unreadable } from '../../../src/probes/probe.ts';
import type { UnitState } from '../../../src/probes/systemd.ts';
import { MANAGERS } from '../../../src/tasks/iptables/persisted.ts';
import {
  broughtBack,
  loadedAtBoot,
  type SavedFile,
  savedNotes,
  savedPairs,
  savedPart,
  savesChain,
} from '../../../src/tasks/iptables/saved.ts';
import { fileState } from '../context.ts';

const PATH = '/etc/iptables/rules.v4';
const LISTS = ['DDOS-SMTP', 'DDOS-SSH'];
const saved = (text: string): SavedFile => ({
  path: PATH,
  seen: present(fileState({ realPath: PATH, content: Buffer.from(text, 'latin1') })),
});
const PAIR = [
  '-A INPUT -p tcp -m tcp --dport 25 -m state --state NEW -m recent --set --name DDOS-SMTP --mask 255.255.255.255 --rsource ',
  '[3:180] -A INPUT -p tcp -m tcp --dport 25 -m state --state NEW -m recent --update --seconds 60 --hitcount 4 --name DDOS-SMTP --mask 255.255.255.255 --rsource -j DROP',
];
const OTHERS = [
  '# by hand',
  '*nat',
  ':INPUT ACCEPT [0:0]',
  '-A INPUT -m recent --set --name DDOS-SSH -p tcp',
  'COMMIT',
  '*filter',
  ':INPUT ACCEPT [0:0]',
  '-A INPUT -s 192.0.2.1/32 -j DROP',
  '-A FORWARD -p tcp -m recent --set --name DDOS-SMTP --rsource',
  '-A INPUT -s 192.0.2.2/32 -p tcp -m recent --set --name DDOS-SMTP --rsource',
  'COMMIT',
  '',
];
const FILE = saved([...OTHERS.slice(0, 7), PAIR[0], OTHERS[7], PAIR[1], ...OTHERS.slice(8)].join('\n'));

describe('what netfilter-persistent would bring back', () => {
  const unit = (unitFileState: string) =>
    MANAGERS.map(
      (name): Observed<UnitState> =>
        name === 'netfilter-persistent.service'
          ? present({
              activeState: 'active',
              unitFileState,
              needDaemonReload: false,
              dropIns: [],
              wantedBy: [],
              stateChange: 0,
            })
          : absent,
    );
  const there = present(fileState());
  const files: readonly Observed<FileState>[] = [FILE.seen, there];

  it.each<[string, Parameters<typeof loadedAtBoot>, string[]]>([
    ['both files', [unit('enabled'), [there, there], files], [PATH, '/etc/iptables/rules.v6']],
    ['a file that cannot be seen', [unit('enabled'), [there, there], [unreadable('no'), absent]], [PATH]],
    ['nothing where it does not start', [unit('disabled'), [there, there], files], []],
    ['nothing where it is not installed', [MANAGERS.map(() => absent), [there, there], files], []],
    ['only what a plugin of it loads', [unit('enabled'), [absent, there], files], ['/etc/iptables/rules.v6']],
    ['nothing where nothing was saved', [unit('enabled'), [there, there], [absent, absent]], []],
  ])('is %s', (_, seen, paths) => expect(loadedAtBoot(...seen).map(({ path }) => path)).toEqual(paths));

  it('is each half of a pair made by hand in INPUT, with its line', () => {
    expect(savedPairs(FILE, LISTS).map(({ line, list }) => [line, list])).toEqual([
      [8, 'DDOS-SMTP'],
      [10, 'DDOS-SMTP'],
    ]);
    expect(savedPairs(FILE, ['ANOTHER'])).toEqual([]);
    expect(savedNotes([FILE], LISTS)).toEqual([
      `${PATH}:8: made by hand: ${PAIR[0]}`,
      `${PATH}:10: made by hand: ${PAIR[1]}`,
    ]);
    expect(broughtBack([FILE], LISTS)).toEqual({
      verdict: 'blocked',
      reason: expect.stringMatching(
        /^2 rules made by hand in \/etc\/iptables\/rules\.v4, which netfilter-persistent loads at boot, count into DDOS-SMTP as well: .*set replace_published_rules: true/,
      ),
    });
  });

  it('is every pair of the guide as iptables saves them', () => {
    const text = readFileSync(
      new URL('../../fixtures/iptables/published-rules.v4.txt', import.meta.url),
      'latin1',
    );
    const lists = ['DDOS-PING', 'DDOS-SSH', 'DDOS-SMTP', 'DDOS-POP', 'DDOS-IMAP'];
    const found = savedPairs(saved(text), lists);
    expect(new Set(found.map(({ list }) => list))).toEqual(new Set(lists));
    expect(found).toHaveLength(2 * lists.length);
  });

  it('goes with consent, and every other byte stays', () => {
    const { reasons, changes } = savedPart([FILE], LISTS);
    expect(reasons).toEqual([`${PATH} would bring back rules made by hand at the next boot`]);
    expect(changes).toMatchObject([
      { kind: 'write-file', path: PATH, content: Buffer.from(OTHERS.join('\n')) },
    ]);
    const after = saved(OTHERS.join('\n'));
    expect(savedPart([after], LISTS)).toEqual({ reasons: [], changes: [] });
    expect(broughtBack([after], LISTS)).toBeUndefined();
    expect(savedNotes([after], LISTS)).toEqual([]);
  });

  it.each<[string, Observed<FileState>, RegExp]>([
    [
      'it cannot be looked at',
      unreadable('no permission'),
      /nobody knows what it brings back: no permission$/,
    ],
    ['it is too large', present(fileState()), /nobody knows what it brings back: it is too large/],
  ])('is said to be unknown where %s', (_, seen, words) => {
    expect(savedNotes([{ path: PATH, seen }], LISTS)).toEqual([expect.stringMatching(words)]);
    expect(savedPart([{ path: PATH, seen }], LISTS)).toEqual({ reasons: [], changes: [] });
  });

  it('is our own chain, where that is taken away', () => {
    const text = '*filter\n:INPUT ACCEPT [0:0]\n:HARDEN - [0:0]\n-A INPUT -j HARDEN\nCOMMIT\n';
    expect(savesChain([saved(text)], 'HARDEN')).toEqual([
      expect.stringMatching(
        /^\/etc\/iptables\/rules\.v4 holds the chain HARDEN, .*netfilter-persistent save/,
      ),
    ]);
    expect(savesChain([saved(text.replaceAll('HARDEN', 'HARDENED'))], 'HARDEN')).toEqual([]);
  });
});
