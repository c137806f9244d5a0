import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { violations } from '../../src/document/validate.ts';

const schema = Type.Object(
  {
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'The port.' })),
    word: Type.Optional(Type.String({ pattern: '^[a-z]+$', description: 'Letters.' })),
    path: Type.Optional(Type.String({ pattern: '^/[^\\0\\n]*$' })),
    short: Type.Optional(Type.String({ minLength: 1, maxLength: 3 })),
    kind: Type.Optional(Type.Union([Type.Literal('ssh'), Type.Literal('local')])),
    state: Type.Optional(Type.Literal('james')),
    choice: Type.Optional(Type.Unsafe<string>({ enum: ['input', 'forward'] })),
    one: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])),
    list: Type.Optional(Type.Array(Type.Integer(), { minItems: 2, maxItems: 3, uniqueItems: true })),
    map: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z]+$' }), Type.Boolean(), {
        additionalProperties: false,
        minProperties: 1,
      }),
    ),
    inner: Type.Optional(Type.Object({ need: Type.String() }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);

const said = (value: unknown) =>
  violations(schema, value).map(({ path, message, hint }) =>
    [path.join('.'), message, ...(hint ? [`(${hint})`] : [])].join(' '),
  );

describe('violations', () => {
  it('are none', () =>
    expect(said({ port: 22, word: 'a', kind: 'ssh', one: ['x'], list: [1, 2], map: { a: true } })).toEqual(
      [],
    ));

  it.each<[unknown, string[]]>([
    [[], [' must be a map, not a list']],
    [null, [' must be a map, not nothing']],
    [{ prot: 22 }, ['prot unknown key "prot" (did you mean "port"?)']],
    [{ port: 0 }, ['port must be at least 1, not 0 (The port.)']],
    [{ port: 70000 }, ['port must be at most 65535, not 70000 (The port.)']],
    [{ port: '22' }, ['port must be a whole number, not "22" (The port.)']],
    [{ port: 2.5 }, ['port must be a whole number, not 2.5 (The port.)']],
    [{ short: '' }, ['short must not be empty']],
    [{ short: 'long' }, ['short is longer than 3 characters']],
    [{ kind: 'shh' }, ['kind must be "ssh" or "local", not "shh"']],
    [{ state: 'jams' }, ['state must be james, not "jams" (did you mean "james"?)']],
    [{ choice: 'inputs' }, ['choice must be input or forward, not "inputs" (did you mean "input"?)']],
    [{ one: 7 }, ['one must be text or a list, not 7']],
    // a list was meant, so what is wrong with the list is said
    [{ one: [] }, ['one needs at least 1 entry']],
    [{ one: [7] }, ['one.0 must be text, not 7']],
    [{ list: [1] }, ['list needs at least 2 entries']],
    [{ list: [1, 2, 3, 4] }, ['list has more than 3 entries']],
    [{ list: [1, 1] }, ['list names the same thing twice']],
    [{ map: {} }, ['map must not be empty']],
    [{ inner: {} }, ['inner "need" is missing']],
    [{ inner: { need: 'x'.repeat(100), more: 1 } }, ['inner.more unknown key "more" (there is: need)']],
    [{ port: 'x'.repeat(100) }, [`port must be a whole number, not "${'x'.repeat(56)}…" (The port.)`]],
    // all at once
    [
      { port: 0, prot: 1, short: '' },
      [
        'prot unknown key "prot" (did you mean "port"?)',
        'port must be at least 1, not 0 (The port.)',
        'short must not be empty',
      ],
    ],
  ])('of %j', (value, expected) => expect(said(value)).toEqual(expected));

  it.each([
    ['a b', ' because of a blank'],
    ['a\nb', ' because of a line break'],
    ['a\r\nb', ' because of a line break'],
    ['a\tb', ' because of a tab'],
    ['a"b', ' because of a double quote'],
    ["it's", ' because of a single quote'],
    ['é', ''],
    ['aéb', ' because of "é"'],
    ['a-b-c', ' because of "-"'],
    // none of them alone
    ['a-b c', ''],
    ['', ''],
  ])('name the character that does not fit in %j', (word, because) =>
    expect(said({ word })).toEqual([`word ${JSON.stringify(word)} is not allowed here${because} (Letters.)`]),
  );

  it('say which character a name may not have', () =>
    expect(said({ map: { 'h é': true, ok: true } })).toEqual(['map.h é "h é" cannot be a name here']));

  it('say that a path is not absolute, and what it may not hold', () => {
    expect(said({ path: 'etc' })).toEqual(['path "etc" is not allowed here']);
    expect(said({ path: '/a\0b' })).toEqual([
      'path "/a\\u0000b" is not allowed here because of a NUL character',
    ]);
  });
});
