import { expect, it } from 'vitest';
import { latestRunProbe } from '../../src/probes/runs.ts';

const read = (text: string) => latestRunProbe.parse(Buffer.from(text), ['latest']).get('latest');
const RUN =
  'id=0a00\nworking=no\nended=yes\nsettled=no\nrolledback=no\nundone=no\npending=no\nwho=ann@laptop, since 2026-01-01\nmark=laptop/x/7\n';
const value = {
  id: '0a00',
  working: false,
  ended: true,
  settled: false,
  rolledBack: false,
  owesUndoing: false,
  who: 'ann@laptop, since 2026-01-01',
  mark: 'laptop/x/7',
};

it.each<[string, string, object]>([
  ['that ended', RUN, {}],
  [
    'of which nothing is left to do',
    RUN.replace('ended=yes\nsettled=no', 'ended=no\nsettled=yes'),
    { ended: false, settled: true },
  ],
  ['at work', RUN.replace('working=no\nended=yes', 'working=yes\nended=no'), { working: true, ended: false }],
  [
    'that was undone',
    RUN.replace('rolledback=no\nundone=no', 'rolledback=yes\nundone=yes'),
    { rolledBack: true },
  ],
  [
    'whose undoing was cut off',
    RUN.replace('rolledback=no', 'rolledback=yes'),
    { rolledBack: true, owesUndoing: true },
  ],
  ['that nobody undid yet', RUN.replace('pending=no', 'pending=yes'), { owesUndoing: true }],
  [
    'that is undoing',
    RUN.replace('working=no', 'working=yes').replace('pending=no', 'pending=yes'),
    { working: true },
  ],
  ['of nobody known', RUN.replace(/who=.*\nmark=.*\n/, ''), { who: '', mark: '' }],
])('the latest run %s', (_, text, over) =>
  expect(read(text)).toEqual({ state: 'present', value: { ...value, ...over } }),
);

it('is absent where harden never ran', () => expect(read('')).toEqual({ state: 'absent' }));
