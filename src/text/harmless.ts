/** Characters that can steer a terminal, or turn the direction in which a text is read. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const inNumbers = (character: string): string =>
  `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;

/** Text from a host or a file with everything visible that could steer a terminal. Line ends and tabs stay. */
export const harmless = (text: string): string =>
  text.replace(STEERING, (character) => (/[\n\t]/.test(character) ? character : inNumbers(character)));

/** The same for text that has to stay on one line. */
export const oneLine = (text: string): string => harmless(text).replaceAll('\n', '\\n').replaceAll('\t', ' ');

/** One visible character for each, so that what stands under a line still fits it. */
export const sameWidth = (text: string): string =>
  text.replace(STEERING, (character) => (character === '\t' ? ' ' : '\u00b7'));

/** On one line, blanks for what cannot be seen, cut to `limit`: words of others inside a sentence of ours. */
export function printable(text: string, limit = 300): string {
  const clean = text.replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}
