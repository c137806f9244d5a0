import { expect, it } from 'vitest';
import type { Journal } from '../../src/engine/journal.ts';
import { cutShort, hostStatus, refusalOf, unfinishedRun } from '../../src/engine/told.ts';
import type { LatestRun } from '../../src/probes/runs.ts';
import type { HostStatus, TaskResult, TaskStatus } from '../../src/report/result.ts';

it.each<[TaskStatus[], HostStatus | undefined, HostStatus]>([
  [[], undefined, 'ok'],
  [['ok', 'unknown'], undefined, 'drift'],
  [['ok', 'changed'], undefined, 'changed'],
  [['changed', 'skipped'], undefined, 'failed'],
  [['rolled-back', 'skipped'], undefined, 'rolled-back'],
  // 3 before 4, also within a host
  [['rolled-back', 'failed'], undefined, 'failed'],
  [['rolled-back', 'blocked'], undefined, 'failed'],
  [['ok', 'rolled-back', 'skipped'], 'rolled-back', 'rolled-back'],
  [['failed', 'rolled-back'], 'rolled-back', 'failed'],
  [['blocked', 'rolled-back'], 'rolled-back', 'failed'],
  [['changed', 'skipped'], 'locked', 'locked'],
  [[], 'unreachable', 'unreachable'],
])('a host whose tasks are %j and whose run ended as %s is %s', (statuses, ended, status) =>
  expect(
    hostStatus(
      statuses.map((one) => ({ status: one }) as TaskResult),
      ended,
    ),
  ).toBe(status),
);

const LATEST = {
  id: '0a00',
  working: false,
  ended: true,
  settled: false,
  rolledBack: false,
  owesUndoing: false,
  who: 'ann@laptop',
  mark: '',
};
const UNDID =
  'the latest run there (ann@laptop) undid what nobody had confirmed: that may be part of what is to change';
const CUT = 'the latest run there (ann@laptop) was cut off before its end, as where the host was restarted';

it.each<[Partial<LatestRun>, 'ok' | 'change', string[]]>([
  [{}, 'change', []],
  [{ rolledBack: true }, 'change', [UNDID]],
  // put right in another way meanwhile
  [{ rolledBack: true }, 'ok', []],
  [{ ended: false }, 'change', [`${CUT}: what it still owed shows as drift`]],
  [{ ended: false }, 'ok', [CUT]],
  [{ ended: false, settled: true }, 'ok', []],
  // what came later is no business of that run
  [{ ended: false, settled: true, rolledBack: true }, 'change', []],
  [{ ended: false, rolledBack: true }, 'ok', [`${CUT}; what nobody had confirmed was undone`]],
  [
    { rolledBack: true, owesUndoing: true },
    'ok',
    [
      `${CUT}; undoing what nobody had confirmed was cut off as well, and is finished by the next harden apply`,
    ],
  ],
])('of a latest run that is %j, where a task is %s, a look says %j', (over, status, notes) => {
  const decision = { status, reason: '', changes: [], guarded: false, notes: [] };
  expect(unfinishedRun({ ...LATEST, ...over }, [{ decision }])).toEqual(notes);
});

it.each<[Partial<Journal>, { applied?: boolean; reconnected?: boolean }, ReturnType<typeof refusalOf>]>([
  [{}, {}, undefined],
  [{ guard: 'rolledback' }, { applied: true, reconnected: true }, undefined],
  [
    { locked: 'bob@desk' },
    {},
    {
      status: 'locked',
      reason:
        'mail1 is being changed by another run (bob@desk). This run changed nothing. Try again when that one is over.',
    },
  ],
  [
    { locked: '' },
    { applied: true },
    {
      status: 'locked',
      reason:
        'mail1 is being changed by another run. What it had applied and proven before that stands. Try again when that one is over.',
    },
  ],
  [
    { locked: 'ann@laptop' },
    {},
    {
      status: 'locked',
      reason:
        'mail1 is a second name of a host that this very run is changing. This run changed nothing. Leave one of the two out.',
    },
  ],
  [
    { absent: true },
    { reconnected: true },
    {
      status: 'failed',
      reason:
        'The connection to mail1 was lost before the run could begin there, and it does not begin any more. This run changed nothing. Run again.',
    },
  ],
  [
    { refused: 'no space' },
    { applied: true },
    {
      status: 'failed',
      reason: 'mail1 could not begin the run: no space. What it had applied and proven before that stands.',
    },
  ],
  [
    { refused: '/var/lib/harden belongs to bob' },
    { reconnected: true },
    {
      status: 'failed',
      reason:
        'The connection to mail1 was lost, and the run cannot be followed any more: /var/lib/harden belongs to bob. It goes on by itself, and undoes what nobody confirms. Run harden check when that is mended.',
      unseen: 'the connection was lost',
    },
  ],
])('a job of which %j was heard, %j, is refused as %j', (heard, run, refusal) => {
  const journal: Journal = { steps: [], guard: 'none', frames: [], ...heard };
  const known = { host: 'mail1', who: 'ann@laptop', applied: false, reconnected: false };
  expect(refusalOf(journal, { ...known, ...run })).toEqual(refusal);
});

it.each<[Journal['guard'], HostStatus, string]>([
  [
    'confirmed',
    'failed',
    'What it had done stands. Run harden check to see where the host is, and harden apply to finish.',
  ],
  [
    'rolledback',
    'rolled-back',
    'The host undid the change that nobody had confirmed; what else was done stands. See with harden diff that this change lets you in, before harden apply makes it again.',
  ],
])('a job that is cut short, whose guard is %s, leaves the host %s', (guard, status, stands) =>
  expect(cutShort({ steps: [], guard, frames: [] }, 'mail1')).toEqual({
    status,
    reason: `What the run on mail1 wrote of itself ends before its second look at the host, as where the host was restarted, or the run was killed or hung. ${stands}`,
    unseen: 'the run ended',
  }),
);
