import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { violations } from '../../../src/document/validate.ts';
import { AbsolutePath, ShellCommand } from '../../../src/tasks/common/params.ts';

const said = (params: object) =>
  violations(
    Type.Object({ path: Type.Optional(AbsolutePath('X.')), run: Type.Optional(ShellCommand('Y.')) }),
    params,
  ).map(({ message, hint }) => `${message} (${hint})`);

describe('an absolute path', () => {
  it.each(['/a', '/etc/x', '/a b/$(c)', "/it's", '/..a/b..', '/.hidden', '/a/.b', '/\u00e4'])(
    'may be %j',
    (path) => expect(said({ path })).toEqual([]),
  );

  it.each([
    '',
    '/',
    'etc',
    './a',
    '/a/',
    '//a',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/..',
    '/a/.',
    '/a\nb',
    '/a\0',
    '/a\\tb',
    '/a ',
  ])('may not be %j', (path) =>
    expect(said({ path })).toEqual([
      expect.stringMatching(
        /^"[^"]*" is not allowed here.*\(an absolute path without \/\/, \/\.\/, \/\.\.\/ or a backslash, and without \/ or a blank at its end\)$/,
      ),
    ]),
  );
});

it.each([
  ['a'.repeat(255), 0],
  ['a'.repeat(256), 1],
  // two bytes each
  ['\u00e4'.repeat(127), 0],
  ['\u00e4'.repeat(128), 1],
])('a name of a path may have 255 bytes: %j', (name, problems) => {
  const found = said({ path: `/srv/${name}/x` });
  expect(found).toHaveLength(problems);
  if (problems > 0) expect(found[0]).toContain('has a name in it of more than 255 bytes');
});

it('a command is one argument of a shell', () => {
  expect(said({ run: 'a\nb "c" $(d)' })).toEqual([]);
  expect(said({ run: 'a\0' })).toEqual(['"a\\u0000" is not allowed here because of a NUL character (Y.)']);
  expect(said({ run: '' })).toHaveLength(1);
});
