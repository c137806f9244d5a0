import type { HostStatus, TaskResult, TaskStatus } from '../../report/result.ts';
import { CHECKS, type Check, type Diagnosis } from './diagnose.ts';
import type { Finding } from './finding.ts';

const STATUS: Readonly<Record<Finding['state'], TaskStatus>> = {
  ok: 'ok',
  // nothing of it stands in the way: a note says what to do all the same
  warning: 'ok',
  trouble: 'failed',
  'not looked at': 'skipped',
};

/** For people, where the check's own word is not one of theirs. */
const NAMES: Readonly<Partial<Record<Check, string>>> = {
  tcp: 'TCP',
  'host-key': 'host key',
  init: 'systemd',
  folder: 'own folder',
  run: 'last run',
  disk: 'free disk',
  apt: 'apt lock',
  dpkg: 'packages',
};

/** The checks as tasks of the result record: what to do is a task's note. */
export const tasksOf = (diagnosis: Diagnosis): TaskResult[] =>
  CHECKS.map((check) => {
    const finding = diagnosis[check];
    return {
      id: `doctor.${check}`,
      type: 'doctor',
      name: NAMES[check] ?? check,
      status: STATUS[finding.state],
      reason: finding.says,
      source: '',
      notes: 'todo' in finding && finding.todo ? [finding.todo] : [],
      changes: [],
    };
  });

/** `answered`: it was reached, whatever it said. */
export function statusOf(diagnosis: Diagnosis, answered: boolean): HostStatus {
  if (!answered) return 'unreachable';
  return CHECKS.some((check) => diagnosis[check].state === 'trouble') ? 'failed' : 'ok';
}
