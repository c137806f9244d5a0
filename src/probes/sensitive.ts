import { lines, raw } from '../shell/quote.ts';
import { records } from '../shell/records.ts';
import { defineProbe, present } from './probe.ts';

/** Paths whose content harden has been told not to show, by a run that the host remembers. */
export const sensitiveProbe = defineProbe<'all', ReadonlySet<string>>({
  name: 'sensitive',
  key: () => 'all',
  script: () => lines([records(), raw('sensitive_paths')]),
  parse(output) {
    const lists = output
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(`{${line}}`) as { sensitive: string[] }).sensitive);
    return new Map([['all', present(new Set(lists.flat()))]]);
  },
});
