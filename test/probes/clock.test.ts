import { expect, it } from 'vitest';
import { clockProbe } from '../../src/probes/clock.ts';

it.each([
  ['1700000000.250000000\n', { state: 'present', value: 1_700_000_000.25 }],
  ['', { state: 'unreadable', why: 'date gave no number' }],
  ['1700000000.%N\n', { state: 'unreadable', why: 'date gave no number' }],
])('clock of %j', (text, expected) =>
  expect(clockProbe.parse(Buffer.from(text), ['clock']).get('clock')).toEqual(expected),
);
