import { expect, it } from 'vitest';
import { initProbe } from '../../src/probes/init.ts';

it.each([
  [
    'systemd 252 (252.39-1~deb12u2)\ndegraded\n',
    { state: 'present', value: { version: '252', state: 'degraded' } },
  ],
  ['systemd 252 (252.39-1~deb12u2)\n', { state: 'present', value: { version: '252', state: '' } }],
  ['', { state: 'absent' }],
])('init of %j', (text, expected) =>
  expect(initProbe.parse(Buffer.from(text), ['init']).get('init')).toEqual(expected),
);
