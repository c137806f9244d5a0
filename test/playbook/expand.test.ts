import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from '../../src/playbook/expand.ts';

const VARIABLES = new Map(
  Object.entries({
    name: 'james',
    count: 2,
    on: true,
    none: null,
    list: ['a', 'b'],
    map: { deep: { er: 7 }, text: '{{ name }}' },
  }).map(([name, value]) => [name, { value, origin: `inventory.yaml:1:1 ${name}` }]),
);
const expanded = (value: unknown) => expand(value, VARIABLES).value;

describe('expand', () => {
  it.each<[unknown, unknown]>([
    ['plain', 'plain'],
    ['{{ name }}', 'james'],
    ['{{name}}', 'james'],
    ['a {{ name }} b {{ count }}', 'a james b 2'],
    // a whole value keeps its type
    ['{{ count }}', 2],
    ['{{ on }}', true],
    ['{{ list }}', ['a', 'b']],
    ['{{ map.deep.er }}', 7],
    ['x{{ none }}y', 'xy'],
    // what a variable holds is never expanded
    ['{{ map.text }}', '{{ name }}'],
    ["{{ '{{' }} name }}", '{{ name }}'],
    ['{{ "{{" }}', '{{'],
    [{ '{{ name }}': ['{{ count }}', { k: '{{ name }}' }] }, { '{{ name }}': [2, { k: 'james' }] }],
    [7, 7],
    [null, null],
  ])('%j is %j', (value, expected) => expect(expanded(value)).toEqual(expected));

  it.each<[string, object]>([
    ['a {{ jame }}', { part: '{{ jame }}', message: '"jame" is not defined', hint: 'did you mean "name"?' }],
    ['{{ map.deep.other }}', { message: '"map.deep.other" is not defined' }],
    ['{{ name.length }}', { message: '"name.length" is not defined' }],
    ['{{ map.constructor }}', { message: '"map.constructor" is not defined' }],
    ['a {{ list }}', { message: '"list" is a list and cannot stand inside text' }],
    ['a {{ map }}', { message: '"map" is a map and cannot stand inside text' }],
    ['{{ name', { part: '{{', message: expect.stringContaining('followed by a variable') }],
    ['{{ }}', { part: '{{' }],
    ['{{ name | upper }}', { part: '{{' }],
  ])('%j: one mistake, with its part', (value, problem) =>
    expect(expand({ k: [value] }, VARIABLES).problems).toEqual([
      expect.objectContaining({ path: ['k', 0], ...problem }),
    ]),
  );

  it('knows where whole values came from, and what was used', () => {
    const { origins, used } = expand({ a: '{{ list }}', b: 'x {{ count }}', c: '{{ map.deep }}' }, VARIABLES);
    expect(origins).toEqual([
      { path: ['a'], name: 'list', origin: 'inventory.yaml:1:1 list' },
      { path: ['c'], name: 'map.deep', origin: 'inventory.yaml:1:1 map' },
    ]);
    expect([...used]).toEqual(['list', 'count', 'map']);
  });

  it('changes no text without {{, and puts any value in literally', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('{{'));
        expect(expanded(text)).toBe(text);
        const variables = new Map([['v', { value: text, origin: 'x' }]]);
        expect(expand('{{ v }}', variables).value).toBe(text);
        expect(expand('<{{ v }}>', variables).value).toBe(`<${text}>`);
      }),
    );
  });
});
