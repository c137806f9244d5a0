import { describe, expect, it } from 'vitest';
import { formatProblem, InputError, type Problem } from '../../src/document/problem.ts';

const AT: Problem = {
  file: 'a.yaml',
  line: 7,
  column: 3,
  length: 4,
  excerpt: '  prot: 22',
  message: 'unknown key "prot"',
  hint: 'did you mean "port"?',
};

describe('a problem', () => {
  it('has its place, its line, and carets under what is meant', () =>
    expect(formatProblem(AT)).toBe(
      'a.yaml:7:3 unknown key "prot"\n    7 |   prot: 22\n      |   ^^^^ did you mean "port"?',
    ));

  it.each<[string, Problem, string]>([
    ['without a place', { file: '--limit', message: 'no host' }, '--limit: no host'],
    ['with a hint only', { file: '--limit', message: 'no host', hint: 'try x' }, '--limit: no host (try x)'],
    ['at the end of a line', { ...AT, column: 11, length: 9 }, '      |           ^ did'],
    ['of no length', { ...AT, length: 0 }, '      |   ^ did'],
    ['with tabs', { ...AT, excerpt: '\t\tprot: 22' }, '    7 |   prot: 22'],
    [
      'that would steer a terminal',
      { ...AT, excerpt: '\u001b[2Jx', message: '\u202ex' },
      'a.yaml:7:3 ·x\n    7 | ·[2Jx',
    ],
    ['with a password', { ...AT, excerpt: 'become_password: hunter2 x' }, 'become_password: *********'],
    ['with a token in quotes', { ...AT, excerpt: '"api-token": abc' }, '"api-token": ***'],
  ])('%s', (_, problem, part) => expect(formatProblem(problem)).toContain(part));

  it('far to the right is shown by its own part', () => {
    const excerpt = `${'x'.repeat(200)}prot${'y'.repeat(200)}`;
    const [, line, carets] = formatProblem({ ...AT, column: 201, excerpt }).split('\n');
    expect(line!.slice(8)).toHaveLength(100);
    expect(line!.slice(8).indexOf('prot')).toBe(carets!.slice(8).indexOf('^^^^'));
  });
});

describe('all mistakes', () => {
  it('stand in order, each once', () => {
    const others = [
      { ...AT, line: 12 },
      { ...AT, file: 'B.yaml' },
      { ...AT, column: 1 },
      { file: '--var', message: 'x' },
    ];
    const error = new InputError([AT, ...others, { ...AT }]);
    expect(error.problems).toHaveLength(5);
    expect(error.problems.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual([
      '--var:undefined:undefined',
      'a.yaml:7:1',
      'a.yaml:7:3',
      'a.yaml:12:3',
      'B.yaml:7:3',
    ]);
    expect(error.message.split('\n\n')).toHaveLength(5);
  });
});
