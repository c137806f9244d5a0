import { describe, expect, it } from 'vitest';
import { historyProbe } from '../../src/probes/history.ts';
import { runRecordProbe } from '../../src/probes/run-record.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const word = (text: string) => `${base64(text)}=`;
const RUN = 'a'.repeat(24);
const PLAN = { command: 'apply', tasks: [{ id: 'x', reason: 'r', changes: ['write /etc/x'] }] };
const WAVE = `wave ${RUN}00 1700000000 yes confirmed 3 1 yes 0,12,13, 0,12, 13, ${word('ann@laptop, since 2023\n')} ${word(JSON.stringify(PLAN))}\n`;

describe('the history', () => {
  const read = (text: string) => historyProbe.parse(Buffer.from(text), ['all']).get('all');

  it('tells each job with its plan', () =>
    expect(read(WAVE)).toEqual({
      state: 'present',
      value: [
        {
          id: `${RUN}00`,
          at: 1_700_000_000,
          who: 'ann@laptop, since 2023',
          ended: true,
          guard: 'confirmed',
          changes: 3,
          undone: 1,
          stopped: true,
          begun: [0, 12, 13],
          done: [0, 12],
          failed: [13],
          plan: PLAN,
        },
      ],
    }));

  it.each([
    'null',
    '5',
    '{"tasks":5}',
    '{"tasks":[{"id":1}]}',
    '{"tasks":[{"id":"x","reason":"r","changes":[],"steps":["0"]}]}',
    '{"tasks":[{"id":"x","reason":"r","changes":[],"guarded":1}]}',
    '{"tasks":[{"id":"x","reason":"r","changes":[],"removes":"yes"}]}',
    '{"rules":[{"family":"x"}]}',
    '{"commands":[null]}',
  ])('takes %s for no plan', (json) =>
    expect(read(WAVE.replace(word(JSON.stringify(PLAN)), word(json)))).toMatchObject({
      value: [{ plan: {} }],
    }),
  );

  it('does not believe what is no run of harden', () => {
    expect(() => read(WAVE.replace('1700000000', 'x'))).toThrow(/not one of harden/);
    expect(() => read(WAVE.replace(RUN, 'not hexadecimal'))).toThrow();
  });

  it('is absent where harden never ran, and takes a plan that was cut off for none', () => {
    expect(read('')).toEqual({ state: 'absent' });
    expect(read(`wave ${RUN}00 1 no none 0 0 no - - - = ${word('{"comm')}\n`)).toMatchObject({
      value: [{ who: '', ended: false, stopped: false, begun: [], done: [], failed: [], plan: {} }],
    });
  });
});

describe('the record of a run', () => {
  const read = (text: string, ids = ['last']) => runRecordProbe.parse(Buffer.from(text), ids);
  const record = (...lines: string[]) => {
    const seen = read(`question 0\nrun ${RUN}\n${WAVE}${lines.map((line) => `${line}\n`).join('')}`).get(
      'last',
    );
    if (seen?.state !== 'present') throw new Error('no record');
    return seen.value;
  };

  it('is absent where the host knows no such run, each asked for itself', () => {
    const seen = read(`question 0\nquestion 1\nrun ${RUN}\n`, ['last', RUN]);
    expect(seen.get('last')).toEqual({ state: 'absent' });
    expect(seen.get(RUN)).toMatchObject({ state: 'present', value: { id: RUN, files: [] } });
  });

  it('names the applies that came after it, the latest first, each with what it changed', () => {
    const [c, b] = ['c', 'b'].map((letter) => letter.repeat(24));
    const seen = read(
      `question 0\nrun ${RUN}\n${WAVE}package installed a there\nlater ${c}\npackage installed c gone\nlater ${b}\n`,
    );
    expect(seen.get('last')).toMatchObject({
      value: {
        id: RUN,
        packages: [{ name: 'a' }],
        later: [
          { id: c, waves: [], packages: [{ name: 'c' }] },
          { id: b, packages: [] },
        ],
      },
    });
  });

  it.each<[string, string, object]>([
    [
      'wrote over',
      `file ${word('/etc/a b')} file /c 640,root/0,UNKNOWN/77 old =${base64('old')} new file 644,root/0,root/0 new =${base64('new')} 12.5`,
      {
        path: '/etc/a b',
        before: {
          state: 'file',
          copy: '/c',
          mode: '0640',
          owner: 'root',
          group: '77',
          sha256: 'old',
          content: Buffer.from('old'),
        },
        written: 'new',
        now: {
          state: 'file',
          mode: '0644',
          owner: 'root',
          group: 'root',
          sha256: 'new',
          content: Buffer.from('new'),
          ctime: 12.5,
        },
      },
    ],
    [
      'made, and that is too large to travel',
      `file ${word('/etc/x')} absent /c - - - new file 644,root/0,root/0 new - 1`,
      {
        path: '/etc/x',
        before: { state: 'absent' },
        written: 'new',
        now: { state: 'file', mode: '0644', owner: 'root', group: 'root', sha256: 'new', ctime: 1 },
      },
    ],
    [
      'changed the attributes of',
      `file ${word('/etc/d')} attributes /c 700,root/0,root/0 - - - directory 755,root/0,root/0 - =${base64('a\nb')}`,
      {
        path: '/etc/d',
        before: { state: 'attributes', mode: '0700', owner: 'root', group: 'root' },
        now: { state: 'directory', mode: '0755', owner: 'root', group: 'root', entries: ['a', 'b'] },
      },
    ],
    [
      'removed, where a link is now',
      `file ${word('/etc/x')} file /c 644,root/0,root/0 old =${base64('')} - other - - -`,
      {
        path: '/etc/x',
        before: {
          state: 'file',
          copy: '/c',
          mode: '0644',
          owner: 'root',
          group: 'root',
          sha256: 'old',
          content: Buffer.alloc(0),
        },
        now: { state: 'other' },
      },
    ],
  ])('knows a path that it %s', (_, line, file) => expect(record(line).files).toEqual([file]));

  it('knows what cannot be changed', () =>
    expect(record(`held ${word('/etc/a b')} mount`).held).toEqual(new Map([['/etc/a b', 'mount']])));

  it('knows units and packages', () => {
    const { units, packages, waves } = record(
      'unit x.service - inactive enabled active 3.25 bad-setting',
      'package installed a there',
      'package removed b gone',
    );
    expect(waves).toHaveLength(1);
    expect(units).toEqual([
      {
        unit: 'x.service',
        unitFileState: '',
        activeState: 'inactive',
        now: { unitFileState: 'enabled', activeState: 'active', stateChange: 3.25, loaded: false },
      },
    ]);
    expect(packages).toEqual([
      { name: 'a', change: 'installed', there: true },
      { name: 'b', change: 'removed', there: false },
    ]);
  });
});
