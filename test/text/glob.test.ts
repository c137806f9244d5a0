import { expect, it } from 'vitest';
import { glob } from '../../src/text/glob.ts';

it.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything', true],
  ['a*', 'abc', true],
  ['*c', 'abc', true],
  ['a*c', 'abcbc', true],
  ['a*d', 'abc', false],
  ['?', 'a', true],
  ['?', '', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a.c', 'abc', false],
  ['[a]', 'a', false],
  ['**a', 'bba', true],
  // takes no exponential time
  [`${'*a'.repeat(40)}b`, 'a'.repeat(200), false],
])('%s against %s: %s', (pattern, name, matches) => expect(glob(pattern, name)).toBe(matches));
