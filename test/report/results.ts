import type { CommandName, HostResult, RunResult, TaskResult } from '../../src/report/result.ts';
import { exitCode, summarize } from '../../src/report/result.ts';

const task = (id: string, over: Partial<TaskResult>): TaskResult => ({
  id,
  type: 'file',
  name: id,
  status: 'ok',
  reason: 'it has that content already',
  source: 'playbook.yaml:3:5',
  notes: [],
  changes: [],
  ...over,
});

const host = (name: string, over: Partial<HostResult>): HostResult => ({
  name,
  address: '203.0.113.10',
  status: 'ok',
  roundTrips: 1,
  connections: 1,
  durationMs: 412,
  tasks: [],
  ...over,
});

const result = (command: CommandName, hosts: HostResult[]): RunResult => ({
  format: 'harden.result/1',
  version: '1.2.3',
  command,
  exitCode: exitCode(hosts),
  summary: summarize(hosts),
  hosts,
});

const DIFF = '--- /etc/x\n+++ /etc/x\n@@ -1,1 +1,1 @@\n-maxretry = 5\n+maxretry = 2';
const drift = task('fail2ban.sshd', {
  status: 'drift',
  reason: 'maxretry is 5, wanted 2',
  changes: [{ kind: 'file', path: '/etc/x', summary: 'write /etc/x', diff: DIFF }],
});

/** One result for each kind of end that a run can have. */
export const results: Readonly<Record<string, RunResult>> = {
  noted: result('check', [
    host('mail1', {
      notes: ['the latest run there (ann@laptop) was cut off before its end'],
      tasks: [task('a', {})],
    }),
  ]),
  'in-sync': result('check', [host('mail1', { tasks: [task('a', {}), task('longer.id', {})] })]),
  drift: result('check', [
    host('mail1', {
      status: 'drift',
      tasks: [
        task('package', { status: 'drift', reason: 'fail2ban is not installed' }),
        drift,
        task('c', { status: 'unknown', reason: 'unknown until package has been applied' }),
        task('d', { notes: ['192.0.2.7 is not in trusted'] }),
      ],
    }),
    host('mail2', { tasks: [task('a', {})] }),
  ]),
  diff: result('diff', [host('mail1', { status: 'drift', tasks: [drift] })]),
  'diff-of-two-hosts': result('diff', [
    host('mail1', { status: 'drift', tasks: [drift] }),
    host('mail2', {}),
  ]),
  changed: result('apply', [
    host('mail1', {
      status: 'changed',
      roundTrips: 3,
      tasks: [{ ...drift, status: 'changed' }, task('b', {})],
    }),
  ]),
  unchanged: result('apply', [host('mail1', { tasks: [task('a', {})] })]),
  'rolled-back': result('apply', [
    host('mail1', {
      status: 'rolled-back',
      tasks: [
        task('firewall', {
          status: 'rolled-back',
          reason:
            'no new login was possible after it within 60 s, so the host undid it; before: it does not exist',
        }),
      ],
    }),
  ]),
  'rollback-dry-run': result('rollback', [
    host('mail1', {
      status: 'drift',
      tasks: [
        task('rollback', {
          type: 'rollback',
          status: 'drift',
          reason: 'run 0123 (ann@laptop) changed /etc/x',
          changes: [{ kind: 'file', path: '/etc/x', summary: 'put /etc/x back', diff: DIFF }],
        }),
      ],
    }),
    host('mail2', { tasks: [task('rollback', { type: 'rollback', reason: 'everything is as it was' })] }),
  ]),
  blocked: result('apply', [
    host('mail1', {
      status: 'failed',
      tasks: [
        task('james', { status: 'blocked', reason: 'James is not installed here' }),
        task('b', { status: 'failed', reason: 'write /etc/x failed: no space' }),
        task('c', {
          status: 'skipped',
          reason: 'not applied, since an earlier step failed (write /etc/b): c differs',
        }),
      ],
    }),
  ]),
  unreachable: result('check', [
    host('mail1', { status: 'unreachable', reason: 'mail1 refused the connection.\nIs sshd running?' }),
    host('mail2', { tasks: [task('a', {})] }),
  ]),
  locked: result('apply', [
    host('mail1', { status: 'locked', reason: 'mail1 is being changed by ann@desk.' }),
  ]),
  hostile: result('check', [
    host('mail1', {
      status: 'drift',
      tasks: [task('a', { status: 'drift', reason: 'it is \u001b[2Jcleared\r\nand \u202eturned' })],
    }),
  ]),
};
