import { describe, expect, it } from 'vitest';
import { absent, present, unreadable } from '../../src/probes/probe.ts';
import { commandTask } from '../../src/tasks/command.ts';
import { context, fileState } from './context.ts';

const there = present(fileState());

describe('command', () => {
  it.each([
    [
      'what it creates exists',
      { run: 'r', creates: '/x' },
      there,
      present(1),
      { verdict: 'ok', reason: '/x exists' },
    ],
    [
      'what it creates is missing',
      { run: 'r', creates: '/x' },
      absent,
      present(1),
      {
        verdict: 'change',
        reason: '/x does not exist',
        changes: [{ kind: 'run-command', command: 'r', guarded: false, mark: '/x' }],
      },
    ],
    [
      'unless succeeds',
      { run: 'r', unless: 'u' },
      there,
      present(0),
      { verdict: 'ok', reason: 'unless says that nothing is left to do' },
    ],
    [
      'unless fails',
      { run: 'r', unless: 'u', guarded: true },
      there,
      present(3),
      {
        verdict: 'change',
        reason: 'unless says that there is something to do (exit status 3)',
        changes: [{ kind: 'run-command', command: 'r', guarded: true }],
        notes: [
          'unless a new login confirms it the host puts firewall rules, links, addresses and routes back, and what else the command did stands',
        ],
      },
    ],
    [
      'unless hangs',
      { run: 'r', unless: 'u' },
      there,
      unreadable('it took longer than 20 s'),
      { verdict: 'failed', reason: 'unless could not be run: it took longer than 20 s' },
    ],
  ])('%s', (_, params: { run: string; creates?: string; unless?: string }, created, status, verdict) => {
    expect(
      commandTask.plan(
        params,
        { created: params.creates ? [created] : [], status: params.unless ? [status] : [] },
        context(),
      ),
    ).toEqual(verdict);
  });

  it('has to say when there is nothing to do', () => {
    expect(commandTask.check?.({ run: 'r' })).toHaveLength(1);
    expect(commandTask.check?.({ run: 'r', creates: '/x' })).toEqual([]);
  });
});
