import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmless, oneLine, printable, sameWidth } from '../../src/text/harmless.ts';

describe('foreign text', () => {
  it.each([
    ['plain, ä, 日本, 🔒', 'plain, ä, 日本, 🔒'],
    ['a\u001b[2Jb', 'a\\u001b[2Jb'],
    ['a\rb', 'a\\u000db'],
    ['a\u009bb', 'a\\u009bb'],
    ['a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['a\u2028b', 'a\\u2028b'],
    ['a\nb\tc', 'a\nb\tc'],
  ])('%j is shown as %j', (text, shown) => expect(harmless(text)).toBe(shown));

  it('stays on one line where it has to', () => expect(oneLine('a\nb\tc\u0007')).toBe('a\\nb c\\u0007'));

  it('keeps its width under carets', () => expect(sameWidth('\ta\u001bb')).toBe(' a·b'));

  it('is short and clean inside a sentence', () => {
    expect(printable('  a\n\u001b b ')).toBe('a b');
    expect(printable('x'.repeat(9), 5)).toBe('xxxxx…');
  });

  it('never steers a terminal', () => {
    const steers = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const show of [harmless, oneLine, sameWidth, printable]) expect(show(text)).not.toMatch(steers);
        expect(oneLine(text)).not.toContain('\n');
      }),
    );
  });
});
