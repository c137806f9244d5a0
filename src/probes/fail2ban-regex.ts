import { lines, raw, sh } from '../shell/quote.ts';
import { defineProbe, type Observed, present, unreadable } from './probe.ts';

export interface RegexQuestion {
  /** Absolute path of the filter. */
  readonly filter: string;
  /** Log lines. They travel as one argument, so nothing is written on the host. */
  readonly sample: readonly string[];
}

/** What `fail2ban-regex` says of a sample: counts of lines. */
export interface RegexResult {
  readonly lines: number;
  readonly ignored: number;
  readonly matched: number;
  readonly missed: number;
  /** The line that says so, as printed. */
  readonly summary: string;
  readonly missedLines: readonly string[];
}

/** Runs a filter over a sample with the host's own `fail2ban-regex`. Its exit status is 0 also where nothing matches. */
export const fail2banRegexProbe = defineProbe<RegexQuestion, RegexResult>({
  name: 'fail2ban-regex',
  key: ({ filter, sample }) => JSON.stringify([filter, sample]),
  script: (questions) =>
    lines([
      // a single line would be taken for a file if there is one of that name: the empty last line prevents it
      raw(`prove() {
  printf '%s %s\\n' "$1" "$(fail2ban-regex --print-all-missed "$3
" "$2" 2>&1 | base64 -w0)"
}`),
      ...questions.map(({ filter, sample }, index) => sh`prove ${index} ${filter} ${sample.join('\n')}`),
    ]),
  parse(output, questions) {
    const answers = new Map<string, Observed<RegexResult>>();
    for (const row of output.toString('latin1').split('\n')) {
      const [index = '', text = ''] = row.split(' ');
      const question = questions[Number(index)];
      if (index && question)
        answers.set(this.key(question), parseRegexOutput(Buffer.from(text, 'base64').toString()));
    }
    return answers;
  },
});

/** The result in the output of `fail2ban-regex`. */
export function parseRegexOutput(output: string): Observed<RegexResult> {
  // missed lines are printed below: only the first line of this form is fail2ban's own
  const said = /^Lines: (\d+) lines, (\d+) ignored, (\d+) matched, (\d+) missed/m.exec(output);
  if (!said) {
    const last = output.trim().split('\n').at(-1);
    return unreadable(`fail2ban-regex gave no result${last ? `: ${last}` : ''}`);
  }
  const [summary, ...counts] = said;
  const [lines = 0, ignored = 0, matched = 0, missed = 0] = counts.map(Number);
  const missedLines = (output.split(/^\|- Missed line\(s\):.*$/m)[1] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('|  '))
    .map((line) => line.slice(3));
  return present({ lines, ignored, matched, missed, summary, missedLines });
}
