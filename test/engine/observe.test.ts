import { describe, expect, it } from 'vitest';
import { Inquiry } from '../../src/engine/observe.ts';
import { ask, defineProbe, present } from '../../src/probes/probe.ts';
import { frames } from '../../src/shell/frame.ts';
import { sh } from '../../src/shell/quote.ts';

const upper = defineProbe<string, string>({
  name: 'upper',
  key: (arg) => arg,
  script: (args) => sh`printf '%s\n' ${args}`,
  parse: (output, args) => {
    const values = output.toString().split('\n');
    if (values[0] === 'garbage') throw new Error('no values');
    return new Map(args.map((arg, index) => [arg, present(values[index] ?? '')]));
  },
});

const base64 = (text: string) => Buffer.from(text).toString('base64');
const frame = (name: string, payload: string, code: number, stderr = '') =>
  `@@aa probe ${name} ${base64(`${payload}\n${code}`)}\n@@aa stderr @@aa ${base64(`${stderr}\n\n@@aa ${name}\n`)}=\n`;

const END = '@@aa observed\n';
const read = (text: string) =>
  new Inquiry([ask(upper, 'a'), ask(upper, 'b'), ask(upper, 'a')]).read(frames(text, 'aa'));

describe('Inquiry', () => {
  it('asks each thing once and every probe once', () => {
    const text = new Inquiry([ask(upper, 'a'), ask(upper, 'b'), ask(upper, 'a')]).script().text;
    expect(text.match(/^probe '/gm)).toHaveLength(2);
    expect(text.match(/^probe 'upper' [^}]*/m)?.[0]).toContain(`'\\''a'\\'' '\\''b'\\''`);
  });

  it.each([
    ['answers', frame('upper', 'A\nB', 0), { state: 'present', value: 'A' }],
    [
      'a failed probe',
      frame('upper', '', 1, 'no such tool'),
      { state: 'unreadable', why: 'exit status 1: no such tool' },
    ],
    [
      'a probe that hung',
      frame('upper', '', 124),
      { state: 'unreadable', why: 'the host took longer than 30 s to answer' },
    ],
    ['no frame', '', { state: 'unreadable', why: 'the host gave no answer' }],
    ['a damaged frame', '@@aa probe upper !!!! =\n', { state: 'unreadable', why: 'the host gave no answer' }],
    [
      'nonsense',
      frame('upper', 'garbage', 0),
      { state: 'unreadable', why: 'its answer was not understood: no values' },
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text + END)?.get(ask(upper, 'a'))).toEqual(expected);
  });

  it('knows nothing where the end did not arrive', () => {
    expect(read(frame('upper', 'A\nB', 0))).toBeUndefined();
  });
});
