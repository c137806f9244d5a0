import { Type } from '@sinclair/typebox';
import { fail2banRegexProbe } from '../probes/fail2ban-regex.ts';
import { fileProbe } from '../probes/file.ts';
import { ask } from '../probes/probe.ts';
import { AbsolutePath } from './common/params.ts';
import { failed, unseen } from './common/verdicts.ts';
import { defineRemoval, defineTask } from './task.ts';

/** One argument of a program cannot be longer than 128 KiB. */
const SAMPLE_LIMIT = 120_000;

const schema = Type.Object(
  {
    filter: AbsolutePath('The filter file on the host, for example /etc/fail2ban/filter.d/james.conf.'),
    sample: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description:
        'Log lines. They are given to the filter only; no file is written and no address is banned.',
    }),
    matched: Type.Optional(
      Type.Integer({ minimum: 0, description: 'How many of them must match (default: all).' }),
    ),
  },
  { additionalProperties: false, title: 'fail2ban_regex' },
);

const removal = defineRemoval(schema, {
  summary: 'nothing: it makes nothing.',
  questions: () => ({}),
  plan: () => ({ verdict: 'ok', reason: 'it makes nothing on the host' }),
});

/** The proof that a filter works: the host's own `fail2ban-regex` on sample lines. Writes nothing. */
export const fail2banRegexTask = defineTask({
  type: 'fail2ban_regex',
  summary:
    "A filter matches these log lines, proved on the host with fail2ban's own tool by apply and verify.",
  schema,
  removal,
  check({ sample = [], matched }) {
    const problems: [(string | number)[], string][] = [];
    sample.forEach((line, index) => {
      if (/[\r\n\0]/.test(line))
        problems.push([['sample', index], 'a log line holds no line break and no NUL']);
      else if (line.trim() === '') problems.push([['sample', index], 'a log line is not empty']);
    });
    if (sample[0]?.startsWith('-') || sample[0]?.startsWith('systemd-journal')) {
      problems.push([['sample', 0], 'fail2ban-regex would not take this for a log line']);
    }
    if (Buffer.byteLength(sample.join('\n')) > SAMPLE_LIMIT) {
      problems.push([['sample'], `the lines are longer than ${SAMPLE_LIMIT} bytes together`]);
    }
    if (matched !== undefined && sample.length > 0 && matched > sample.length) {
      problems.push([['matched'], `there are only ${sample.length} lines`]);
    }
    return problems;
  },
  owns: () => [],
  relies: ({ filter }) => [`file:${filter}`, 'package:fail2ban'],
  questions: ({ filter, sample }, { prove }) => ({
    file: ask(fileProbe, { path: filter, content: 'never' }),
    proof: prove ? [ask(fail2banRegexProbe, { filter, sample })] : [],
  }),
  plan({ filter, sample, matched = sample.length }, { file, proof: [proof] }) {
    if (file.state === 'unreadable') {
      return unseen(filter, file);
    }
    // fail2ban-regex would take the name of a file that is not there for a regex
    if (file.state === 'absent') {
      return { verdict: 'needs', key: `file:${filter}`, reason: `${filter} does not exist` };
    }
    if (!proof) return { verdict: 'ok', reason: 'the filter is there; apply and verify prove it' };
    if (proof.state !== 'present') {
      return failed(proof.state === 'absent' ? 'fail2ban-regex was not run' : proof.why);
    }
    const { summary, lines, missedLines } = proof.value;
    if (lines === sample.length && proof.value.matched === matched) return { verdict: 'ok', reason: summary };
    const missed = missedLines.length > 0 ? `; missed: ${missedLines.join(' | ')}` : '';
    return failed(`${summary}, wanted ${matched} matched${missed}`);
  },
});
