import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lines, quote, raw, sh } from '../../src/shell/quote.ts';

const shells = ['dash', 'bash'].filter((name) => spawnSync(name, ['-c', ':']).status === 0);

describe('quote', () => {
  it.each([
    ['plain', "'plain'"],
    ['', "''"],
    ["it's", "'it'\\''s'"],
    ['$(id) `id` $HOME', "'$(id) `id` $HOME'"],
    ['-rf', "'-rf'"],
  ])('%j becomes %s', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it('refuses a NUL character, which no argument can hold', () => {
    expect(() => quote('a\0b')).toThrow(RangeError);
  });

  it.each(shells)('arrives literally in %s, whatever it is', (shell) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        fc.pre(!text.includes('\0') && text.isWellFormed());
        const { stdout } = spawnSync(shell, [], { input: sh`printf %s ${text}`.text });
        expect(stdout.toString()).toBe(text);
      }),
      { numRuns: 60 },
    );
  });
});

describe('sh', () => {
  it('quotes values and lists, and keeps code', () => {
    expect(sh`a ${'b c'} ${['d', "e'f"]} ${raw('g | h')} ${7}`.text).toBe("a 'b c' 'd' 'e'\\''f' g | h '7'");
  });

  it('does not read escapes in what stands around the values', () => {
    expect(sh`printf '%s\n' ${'x'}`.text).toBe("printf '%s\\n' 'x'");
  });

  it('joins pieces by lines', () => {
    expect(lines([raw('a'), raw('b')]).text).toBe('a\nb');
  });
});
