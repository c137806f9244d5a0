import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/tasks/fail2ban/duration.ts';

describe('seconds', () => {
  // what `fail2ban-client --str2sec` of 1.0.2 says
  it.each([
    ['120m', 7200],
    ['2h', 7200],
    ['7200', 7200],
    [7200, 7200],
    ['0', 0],
    ['2h 30m', 9000],
    ['1d12h', 129_600],
    ['1d 1d', 172_800],
    ['1w', 604_800],
    ['1weeks', 604_800],
    ['1wee', 604_800],
    ['1mo', 2_629_800],
    ['1mon', 2_629_800],
    ['1yea', 31_557_600],
    ['1y', 31_557_600],
    ['1 H', 3600],
    ['1hou', 3600],
    ['90 minutes', 5400],
    ['1mm', 60],
    ['1mi', 60],
    ['2dd', 172_800],
    ['1da', 86_400],
    ['3 sec', 3],
    [' 60 ', 60],
  ])('of %j are %d', (text, expected) => expect(seconds(text)).toBe(expected));

  // fail2ban gives each of these to `eval`; those that fail there leave no jail at all
  it.each([
    '',
    ' ',
    'm',
    '120x',
    '5 mins',
    '1hous',
    '1minut',
    '08',
    '012m',
    '-1',
    '1.5h',
    '2*3600',
    '1h+30m',
    '1e3',
    '0x10',
    '1h1',
    '10 20',
    '1h;2h',
    '1h\n; x',
    '__import__("os")',
    '1'.repeat(50),
    Number.NaN,
    1.5,
    -60,
  ])('refuses %j', (text) => expect(seconds(text)).toBeUndefined());

  it('adds up whatever is written side by side', () => {
    const part = fc.tuple(fc.nat(10_000), fc.constantFrom('s', 'm', 'h', 'd', 'w'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.constantFrom('', ' '), (parts, gap) => {
        const whole = seconds(parts.map(([count, unit]) => `${count}${unit}`).join(gap));
        expect(whole).toBe(parts.reduce((sum, [count, unit]) => sum + seconds(`${count}${unit}`)!, 0));
      }),
    );
  });
});
