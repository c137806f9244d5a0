import { expect, it } from 'vitest';
import { hostStatus } from '../../src/engine/told.ts';
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
