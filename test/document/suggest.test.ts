import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, hint, suggestion } from '../../src/document/suggest.ts';

describe('suggestion', () => {
  it.each([
    ['bantim', 'bantime'],
    ['maxrety', 'maxretry'],
    ['fidntime', 'findtime'],
    ['MAXRETRY', 'maxretry'],
    ['something', undefined],
    ['find', 'findtime'],
    ['Max', 'maxretry'],
    ['ma', undefined],
  ])('%s → %s', (name, expected) => {
    expect(suggestion(name, ['bantime', 'findtime', 'maxretry'])).toBe(expected);
  });

  it('has none for the beginning of several', () =>
    expect(suggestion('fail2ban', ['fail2ban_jail', 'fail2ban_filter'])).toBeUndefined());

  it('names what there is where nothing is near', () => {
    expect(hint('zzzz', ['a', 'b'])).toBe('there is: a, b');
  });
});

describe('editDistance', () => {
  it('is a distance', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
