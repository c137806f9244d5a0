import { expect, it } from 'vitest';
import { spaceProbe } from '../../src/probes/space.ts';

const read = (text: string) => spaceProbe.parse(Buffer.from(text), ['/etc', '/var']);

it('reads a row for each path, in the order asked', () => {
  // btrfs has no number of inodes
  expect([...read('4096 10 100 7 yes /\n1024 3 0 0 no /a mount\n')]).toEqual([
    ['/etc', { state: 'present', value: { mount: '/', free: 40960, freeInodes: 7, writable: true } }],
    ['/var', { state: 'present', value: { mount: '/a mount', free: 3072, writable: false } }],
  ]);
});

it('does not make up a file system that the host said nothing of', () => {
  expect(() => read('4096 10 100 7 yes /\n')).toThrow('missing');
});
