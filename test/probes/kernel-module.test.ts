import { expect, it } from 'vitest';
import { kernelModuleProbe } from '../../src/probes/kernel-module.ts';

it('answers in the order asked, and does not make up what the host did not say', () => {
  const seen = kernelModuleProbe.parse(Buffer.from('loaded\nmissing\n'), ['a', 'b', 'c']);
  expect([...seen]).toEqual([
    ['a', { state: 'present', value: 'loaded' }],
    ['b', { state: 'present', value: 'missing' }],
    ['c', { state: 'unreadable', why: 'the host gave no answer' }],
  ]);
});
