import { expect, it } from 'vitest';
import { runsProbe } from '../../src/probes/runs.ts';

const read = (text: string) => runsProbe.parse(Buffer.from(text), ['runs']).get('runs');
const holder = `${Buffer.from('ann@desk, since noon\n').toString('base64')}=`;

it.each([
  ['none', '', []],
  [
    'some, one of whom nobody is known',
    `aa yes no ${holder}\nab no yes =\n`,
    [
      { id: 'aa', holder: 'ann@desk, since noon', ended: true, pending: false },
      { id: 'ab', holder: '', ended: false, pending: true },
    ],
  ],
  ['a line that was cut', 'aa yes', []],
])('%s', (_, text, value) => expect(read(text)).toEqual({ state: 'present', value }));
