import { raw } from '../shell/quote.ts';
import { defineProbe, present, unreadable } from './probe.ts';

/** The host's clock at the moment it was asked: seconds since the epoch, with fraction. */
export const clockProbe = defineProbe<'clock', number>({
  name: 'clock',
  key: () => 'clock',
  script: () => raw('date +%s.%N'),
  parse(output) {
    const text = output.toString().trim();
    const seen = /^-?\d+(\.\d+)?$/.test(text) ? present(Number(text)) : unreadable('date gave no number');
    return new Map([['clock', seen]]);
  },
});
