import { expect, it } from 'vitest';
import { aptLocksProbe } from '../../src/probes/apt-locks.ts';

const base64 = (text: string) => `${Buffer.from(text).toString('base64')}=`;
const read = (text: string) => aptLocksProbe.parse(Buffer.from(text), ['apt-locks']).get('apt-locks');

it.each([
  ['nobody', '', []],
  [
    'one process with two locks, and one that was gone when it was looked at',
    `7 /a ${base64('apt-get install x ')}\n9 /b =\n7 /b ${base64('apt-get install x ')}\n`,
    [
      { pid: 7, command: 'apt-get install x', locks: ['/a', '/b'] },
      { pid: 9, command: '', locks: ['/b'] },
    ],
  ],
])('%s', (_, text, value) => expect(read(text)).toEqual({ state: 'present', value }));
