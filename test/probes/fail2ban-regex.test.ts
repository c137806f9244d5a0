import { describe, expect, it } from 'vitest';
import { fail2banRegexProbe, parseRegexOutput } from '../../src/probes/fail2ban-regex.ts';

const SUMMARY = 'Lines: 8 lines, 0 ignored, 6 matched, 2 missed';
const OUTPUT = `
Running tests
=============

Use   failregex filter file : james, basedir: /etc/fail2ban

Results
=======

Failregex: 6 total

${SUMMARY}
[processed in 0.01 sec]

|- Missed line(s):
|  2026-01-02 first line
|  Lines: 1 lines, 0 ignored, 1 matched, 0 missed
\`-
`;
const present = (value: object) => ({ state: 'present', value });
const RESULT = {
  lines: 8,
  ignored: 0,
  matched: 6,
  missed: 2,
  summary: SUMMARY,
  missedLines: ['2026-01-02 first line', 'Lines: 1 lines, 0 ignored, 1 matched, 0 missed'],
};

describe('the output of fail2ban-regex', () => {
  it('has counts, and the lines that were missed; a line that looks like a result is none', () =>
    expect(parseRegexOutput(OUTPUT)).toEqual(present(RESULT)));

  it('may have missed nothing', () =>
    expect(parseRegexOutput('Lines: 8 lines, 0 ignored, 8 matched, 0 missed\n')).toMatchObject({
      value: { matched: 8, missedLines: [] },
    }));

  it.each([
    ['', 'fail2ban-regex gave no result'],
    ['one\nNo failure-id group in x\n', 'fail2ban-regex gave no result: No failure-id group in x'],
  ])('without a result is not one: %j', (output, why) =>
    expect(parseRegexOutput(output)).toEqual({ state: 'unreadable', why }),
  );
});

describe('proofs', () => {
  const questions = [
    { filter: '/etc/fail2ban/filter.d/a.conf', sample: ['x'] },
    { filter: '/etc/fail2ban/filter.d/b.conf', sample: ["it's", '$(y)'] },
  ];

  it('are told apart', () => {
    const answers = fail2banRegexProbe.parse(
      Buffer.from(`1 ${Buffer.from(OUTPUT).toString('base64')}\n0 \n`),
      questions,
    );
    expect(answers.get(fail2banRegexProbe.key(questions[0]!))).toMatchObject({ state: 'unreadable' });
    expect(answers.get(fail2banRegexProbe.key(questions[1]!))).toEqual(present(RESULT));
  });

  it('hand the sample over as one argument, literally', () =>
    expect(fail2banRegexProbe.script(questions).text).toContain(
      `prove '1' '/etc/fail2ban/filter.d/b.conf' 'it'\\''s\n$(y)'`,
    ));
});
