import { raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, present } from './probe.ts';

/** Whether a program is on the host's path, asked by its name. */
export const toolProbe = defineProbe<string, 'there'>({
  name: 'tool',
  key: (name) => name,
  script: (names) =>
    sh`for name in ${names}; do${raw('\n  ! command -v "$name" >/dev/null || echo "$name"\ndone')}`,
  parse(output, names) {
    const found = new Set(output.toString().split('\n'));
    return new Map(names.map((name) => [name, found.has(name) ? present('there') : absent]));
  },
});
