import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitPaths } from '../../src/transport/path-list.ts';

test.each<[why: string, line: string, there: string[], paths: string[]]>([
  ['none is there', '/a/known /b/known', [], ['/a/known', '/b/known']],
  ['one with a blank', '/a b/known /c', ['/a b/known'], ['/a b/known', '/c']],
  ['its first word is a file, too', '/a b/known', ['/a', '/a b/known'], ['/a b/known']],
  ['two files that are there', '/a b', ['/a', 'b'], ['/a', 'b']],
  ['one with a blank that is not there yet', '~/my keys/known ~/other', [], ['~/my keys/known', '~/other']],
  ['tokens begin a path', '%d/known ${HOME}/known', [], ['%d/known', '${HOME}/known']],
  ['two blanks', '/a  b /c', ['/a  b'], ['/a  b', '/c']],
  ['a folder that looks like two paths', '/a /b', ['/a /b'], ['/a /b']],
  ['nothing', '', [], []],
])('%s', (_why, line, there, paths) => {
  expect(splitPaths(line, (path) => there.includes(path))).toEqual(paths);
});

test('paths that are there come back as they were', () => {
  const path = fc.stringMatching(/^\/[a-z]{1,6}( [a-z]{1,6}){0,3}$/);
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 4 }), (paths) => {
      expect(splitPaths(paths.join(' '), (one) => paths.includes(one))).toEqual(paths);
    }),
  );
});
