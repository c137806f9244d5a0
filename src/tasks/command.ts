import { type Static, Type } from '@sinclair/typebox';
import { statusProbe } from '../probes/command.ts';
import { fileProbe } from '../probes/file.ts';
import { type Answers, ask } from '../probes/probe.ts';
import { PUT_BACK } from './change.ts';
import { AbsolutePath, ShellCommand } from './common/params.ts';
import { failed, type Obstacle, unseen } from './common/verdicts.ts';
import { sha256 } from './common/write.ts';
import { defineRemoval, defineTask, type Mistake } from './task.ts';

const UNDOING = `unless a new login confirms it the host puts ${PUT_BACK}`;

const schema = Type.Object(
  {
    run: ShellCommand('The command, for /bin/sh.'),
    creates: Type.Optional(AbsolutePath('A path that exists once the command has done its work.')),
    unless: Type.Optional(
      ShellCommand(
        'A command that succeeds once nothing is left to do. It also runs in `check`: it must only look.',
      ),
    ),
    undo: Type.Optional(ShellCommand('A command that takes back what `run` did, for state: absent.')),
    guarded: Type.Optional(
      Type.Boolean({
        description: `It could cut the connection: ${UNDOING}.`,
      }),
    ),
  },
  { additionalProperties: false, title: 'command' },
);

type Params = Static<typeof schema>;

const questions = ({ creates, unless }: Params) => ({
  created: creates === undefined ? [] : [ask(fileProbe, { path: creates, content: 'never' as const })],
  status: unless === undefined ? [] : [ask(statusProbe, unless)],
});

const check = ({ creates, unless }: Partial<Params>): Mistake[] =>
  creates === undefined && unless === undefined
    ? [[[], 'command needs creates or unless: without one it would run every time, and check could not tell']]
    : [];

/** Whether the command has done its work, and what says so. */
function worked(
  { creates }: Params,
  { created: [created], status: [status] }: Answers<ReturnType<typeof questions>>,
): { readonly done: boolean; readonly reason: string } | Obstacle {
  if (creates !== undefined && created) {
    if (created.state === 'unreadable') return unseen(creates, created);
    if (created.state === 'absent') return { done: false, reason: `${creates} does not exist` };
  }
  if (!status) return { done: true, reason: `${creates} exists` };
  if (status.state !== 'present') {
    return failed(
      `unless could not be run: ${status.state === 'unreadable' ? status.why : 'the host gave no answer'}`,
    );
  }
  return status.value === 0
    ? { done: true, reason: 'unless says that nothing is left to do' }
    : { done: false, reason: `unless says that there is something to do (exit status ${status.value})` };
}

const noted = (guarded: boolean) => (guarded ? { notes: [UNDOING] } : {});

const removal = defineRemoval(schema, {
  summary:
    'runs `undo` where `creates` exists or `unless` succeeds, which says that the command has done its work.',
  check: (params) => [
    ...check(params),
    ...(params.undo === undefined
      ? [[[], 'state: absent needs undo: nobody else knows how to take back what a command did'] as const]
      : []),
  ],
  questions,
  plan(params, seen) {
    const found = worked(params, seen);
    if ('verdict' in found) return found;
    if (!found.done) return { verdict: 'ok', reason: found.reason };
    const { undo = '', guarded = false } = params;
    const changes = [{ kind: 'run-command' as const, command: undo, guarded }];
    return { verdict: 'change', reason: found.reason, changes, ...noted(guarded) };
  },
});

/** The escape hatch. A barrier: nobody knows what a command does. */
export const commandTask = defineTask({
  type: 'command',
  summary:
    'A shell command, run as root where `creates` is missing or `unless` fails. One of the two is needed: it is what tells whether there is anything to do.',
  schema,
  removal,
  barrier: true,
  check,
  owns: ({ run, creates }) => [
    `command:${sha256(run).slice(0, 12)}`,
    ...(creates ? [`file:${creates}` as const] : []),
  ],
  questions,
  plan(params, seen) {
    const { run, creates, guarded = false } = params;
    const found = worked(params, seen);
    if ('verdict' in found) return found;
    if (found.done) return { verdict: 'ok', reason: found.reason };
    return {
      verdict: 'change',
      reason: found.reason,
      changes: [
        { kind: 'run-command', command: run, guarded, ...(creates === undefined ? {} : { mark: creates }) },
      ],
      ...noted(guarded),
    };
  },
});
