import { describe, expect, it } from 'vitest';
import { absent, present, unreadable } from '../../../src/probes/probe.ts';
import { missing, unseen, wrongKind } from '../../../src/tasks/common/verdicts.ts';
import { fileState } from '../context.ts';

describe('what is missing', () => {
  it.each([
    ['there', present(fileState()), undefined],
    ['not there', absent, { verdict: 'needs', key: 'file:/x', reason: '/x does not exist' }],
    // never the same as "not there"
    ['not to be seen', unreadable('EIO'), { verdict: 'failed', reason: '/x could not be looked at: EIO' }],
  ])('is known of a file that is %s', (_, seen, verdict) => expect(missing('/x', seen)).toEqual(verdict));
});

it('what cannot be seen is a failure, what is another kind of thing is in the way', () => {
  expect(unseen('fail2ban', { why: 'no answer' })).toEqual({
    verdict: 'failed',
    reason: 'fail2ban could not be looked at: no answer',
  });
  expect(wrongKind('/x', 'a directory')).toEqual({
    verdict: 'blocked',
    reason: '/x exists, but is not a directory; it was left alone',
  });
});
