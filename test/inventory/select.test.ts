import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/document/problem.ts';
import { selectHosts } from '../../src/inventory/select.ts';

const HOSTS = ['mail1', 'mail2', 'web.example', 'db'];
const GROUPS = { mail: ['mail2', 'mail1'], empty: [], web: ['web.example'] };
const select = (pattern: string) => selectHosts(pattern, HOSTS, GROUPS);

describe('--limit', () => {
  it.each<[string, string[]]>([
    ['mail1', ['mail1']],
    ['db,mail1', ['mail1', 'db']],
    ['mail1,mail1', ['mail1']],
    ['mail', ['mail1', 'mail2']],
    ['mail*', ['mail1', 'mail2']],
    ['mail?', ['mail1', 'mail2']],
    ['*', HOSTS],
    ['w*', ['web.example']],
    ['web.exampl?', ['web.example']],
    [' mail1 , db ', ['mail1', 'db']],
    ['!mail', ['web.example', 'db']],
    ['*,!mail2', ['mail1', 'web.example', 'db']],
    ['mail,!mail1', ['mail2']],
    ['!mail1,mail', ['mail2']],
    ['empty', []],
    ['mail1,!mail1', []],
  ])('%s', (pattern, expected) => expect(select(pattern)).toEqual(expected));

  it.each([
    ['mail3', 'no host or group is called "mail3" (did you mean "mail1"?)'],
    ['!dc', 'no host or group is called "dc" (did you mean "db"?)'],
    ['x*', 'no host or group is called "x*"'],
    ['', 'no host or group is called ""'],
    ['mail1,', 'no host or group is called ""'],
    // a dot is a dot
    ['webxexample', 'did you mean "web.example"?'],
    ['a,b', '"a"'],
  ])('%j means nothing', (pattern, message) => {
    expect(() => select(pattern)).toThrow(InputError);
    expect(() => select(pattern)).toThrow(message);
  });
});
