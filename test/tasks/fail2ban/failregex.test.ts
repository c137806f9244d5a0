import { describe, expect, it } from 'vitest';
import { failregexProblem, regexProblem, sameFailregex } from '../../../src/tasks/fail2ban/failregex.ts';

/** What the server of 1.0.2 makes of the tags, as `get JAIL failregex` shows it. */
const IP4 = String.raw`(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})`;
const IP6 = '(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))';
const ADDR = String.raw`\[?(?:${IP4}|${IP6})\]?`;
const HOST = String.raw`(?:${ADDR}|(?P<dns>[\w\-.^_]*\w))`;

describe('failregexProblem', () => {
  it.each([
    '^<ADDR>$',
    '^from <HOST> failed$',
    '^<IP4> x$',
    '^<IP6> x$',
    '^user <F-USER>.*</F-USER> from <ADDR>$',
    '^(?P<n>x)(?P=n)(?<=x)(?<!y)(?i:Failed) <ADDR>$',
    '^100% of <ADDR>;$',
    'a#b <ADDR>',
    'é <ADDR>',
  ])('has nothing against %j', (regex) => expect(failregexProblem(regex)).toBeUndefined());

  it.each([
    ['^no address$', 'it needs exactly one of <ADDR>, <HOST>, <IP4> and <IP6>; it has 0'],
    ['<ADDR> and <HOST>', 'it has 2'],
    ['<ADDR> <ADDR>', 'it has 2'],
    ['<addr>', 'it has 0'],
    ['<ADDR> <SKIPLINES> x', 'fail2ban would replace <SKIPLINES>'],
    ['<ADDR> <DNS>', 'fail2ban would replace <DNS>'],
    ['<ADDR> <mode>', 'fail2ban would replace <mode>'],
    ['<ADDR> <F-ID/>', 'fail2ban would replace <F-ID/>'],
    ['<ADDR> <F-user>x', 'fail2ban would replace <F-user>'],
    ['', 'it is empty'],
    [' \t', 'it is empty'],
    [' <ADDR>', 'it begins or ends with a blank'],
    ['<ADDR> ', 'it begins or ends with a blank'],
    ['<ADDR>\n.*', 'it holds a line break'],
    ['<ADDR>\r.*', 'it holds a line break'],
    ['<ADDR>\0', 'another control character'],
    ['<ADDR>\u2028x', 'it holds a line break'],
    ['# <ADDR>', 'for a comment'],
    ['; <ADDR>', 'for a comment'],
    ['<ADDR> ;x', 'for a comment'],
    ['(?i)<ADDR>', 'global flags'],
    ['<ADDR>((?mi)x)', 'global flags'],
  ])('%j: %s', (regex, problem) => expect(failregexProblem(regex)).toContain(problem));

  it('asks no address of an ignoreregex, and the rest all the same', () => {
    expect(regexProblem('^harmless$')).toBeUndefined();
    expect(regexProblem('(?i)x')).toContain('global flags');
    expect(regexProblem('')).toBe('it is empty');
  });
});

describe('sameFailregex', () => {
  it.each([
    ['^a <ADDR> z$', `^a ${ADDR} z$`],
    ['^a <HOST> z$', `^a ${HOST} z$`],
    // with usedns = no a host is an address
    ['^a <HOST> z$', `^a ${ADDR} z$`],
    ['^a <IP4> z$', `^a ${IP4} z$`],
    ['^a <IP6> z$', `^a ${IP6} z$`],
    ['<ADDR>', ADDR],
    ['^<F-USER>.*</F-USER> <ADDR>$', `^(?P<user>.*) ${ADDR}$`],
    ['<ADDR> <F-ID>.*</F-ID><F-PORT>x</F-PORT>', `${ADDR} (?P<fid>.*)(?P<fport>x)`],
    ['<ADDR> <F-ALT_USER_1>x</F-ALT_USER_1>', `${ADDR} (?P<alt_user_1>x)`],
    ['no address', 'no address'],
    // an older spelling of the same pattern
    ['^a <ADDR> z$', `^a ${ADDR.replace('::?|::)', '::?|:)')} z$`],
  ])('%s runs as %s', (wanted, running) => expect(sameFailregex(wanted, running)).toBe(true));

  it.each([
    ['another text behind', '^a <ADDR> z$', `^a ${ADDR} y$`],
    ['another text before', '^a <ADDR> z$', `^b ${ADDR} z$`],
    ['another tag', '^a <ADDR> z$', `^a ${HOST} z$`],
    ['another family', '^a <ADDR> z$', `^a ${IP4} z$`],
    ['one family instead of the other', '<IP4>', IP6],
    ['more than the address', '^a <ADDR> z$', `^a .*${ADDR} z$`],
    ['an alternative beside it', '^a <ADDR> z$', `^a ${ADDR}|${ADDR} z$`],
    ['a failure id that is no address', '^a <ADDR> z$', String.raw`^a (?P<fid>\S+) z$`],
    ['no address at all', '^a <ADDR> z$', '^a z$'],
    ['what was not expanded', '^a <ADDR> z$', '^a <ADDR> z$'],
    ['text that is before and behind at once', '^aa<ADDR>aa$', '^aaa$'],
    ['another part', '<F-USER>x</F-USER><ADDR>', `(?P<fid>x)${ADDR}`],
    ['another regex without an address', 'a', 'b'],
    ['nothing', '<ADDR>', ''],
  ])('%s is another one', (_, wanted, running) => expect(sameFailregex(wanted, running)).toBe(false));
});
