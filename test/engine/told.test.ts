import { expect, it } from 'vitest';
import { hostStatus, unfinishedRun } from '../../src/engine/told.ts';
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
