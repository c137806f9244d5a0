import { expect, it } from 'vitest';
import { unfinishedPackagesProbe } from '../../src/probes/unfinished-packages.ts';

const KEY = 'unfinished-packages';
const read = (text: string) => unfinishedPackagesProbe.parse(Buffer.from(text), [KEY]).get(KEY);

it.each([
  ['none', '', { packages: [], broken: [], interrupted: false }],
  ['records half written', 'interrupted\n', { packages: [], broken: [], interrupted: true }],
  [
    'some, one of them broken',
    'ok half-configured a\nreinstreq half-installed b:amd64\n',
    {
      packages: [
        { name: 'a', status: 'half-configured' },
        { name: 'b:amd64', status: 'half-installed' },
      ],
      broken: ['b:amd64'],
      interrupted: false,
    },
  ],
])('%s', (_, text, value) => expect(read(text)).toEqual({ state: 'present', value }));
