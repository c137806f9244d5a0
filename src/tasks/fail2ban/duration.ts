/** Seconds of each unit, in the spellings of fail2ban's `str2seconds`. A month and a year are a calendar's average. */
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s{1,2}$|^sec?$|^seconds?$/, 1],
  [/^m{1,2}$|^min?$|^minutes?$/, 60],
  [/^h{1,2}$|^hou?$|^hours?$/, 3600],
  [/^d{1,2}$|^da$|^days?$/, 86_400],
  [/^w{1,2}$|^wee?$|^weeks?$/, 604_800],
  [/^mon?$|^months?$/, 2_629_800],
  [/^y{1,2}$|^yea?$|^years?$/, 31_557_600],
];

/**
 * Seconds of a duration as fail2ban reads it (`120m`, `2h 30m`, `1d12h`, `7200`); undefined for anything else.
 * fail2ban evaluates arithmetic here: what is not a plain sum of numbers with units is refused.
 */
export function seconds(duration: string | number): number | undefined {
  const text = String(duration).trim();
  if (/^(0|[1-9]\d{0,9})$/.test(text)) return Number(text);
  if (!/^((0|[1-9]\d{0,9})\s*[a-z]+\s*)+$/i.test(text)) return undefined;
  let sum = 0;
  for (const [, count, name] of text.toLowerCase().matchAll(/(\d+)\s*([a-z]+)/g)) {
    const unit = UNITS.find(([spelling]) => spelling.test(name ?? ''));
    if (!unit) return undefined;
    sum += Number(count) * unit[1];
  }
  return sum;
}
