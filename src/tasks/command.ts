import { Type } from '@sinclair/typebox';
import { statusProbe } from '../probes/command.ts';
import { fileProbe } from '../probes/file.ts';
import { ask } from '../probes/probe.ts';
import { AbsolutePath, ShellCommand } from './common/params.ts';
import { failed, unseen } from './common/verdicts.ts';
import { sha256 } from './common/write.ts';
import { defineTask } from './task.ts';

/** The escape hatch. A barrier: nobody knows what a command does. */
export const commandTask = defineTask({
  type: 'command',
  summary:
    'A shell command, run as root where `creates` is missing or `unless` fails. One of the two is needed: it is what tells whether there is anything to do.',
  schema: Type.Object(
    {
      run: ShellCommand('The command, for /bin/sh.'),
      creates: Type.Optional(AbsolutePath('A path that exists once the command has done its work.')),
      unless: Type.Optional(
        ShellCommand(
          'A command that succeeds once nothing is left to do. It also runs in `check`: it must only look.',
        ),
      ),
      guarded: Type.Optional(
        Type.Boolean({
          description:
            'It could cut the connection: the host undoes its firewall changes by itself unless a new login confirms them.',
        }),
      ),
    },
    { additionalProperties: false, title: 'command' },
  ),
  barrier: true,
  check: ({ creates, unless }) =>
    creates === undefined && unless === undefined
      ? [
          [
            [],
            'command needs creates or unless: without one it would run every time, and check could not tell',
          ],
        ]
      : [],
  owns: ({ run, creates }) => [
    `command:${sha256(run).slice(0, 12)}`,
    ...(creates ? [`file:${creates}` as const] : []),
  ],
  questions: ({ creates, unless }) => ({
    created: creates === undefined ? [] : [ask(fileProbe, { path: creates, content: 'never' as const })],
    status: unless === undefined ? [] : [ask(statusProbe, unless)],
  }),
  plan({ run, creates, guarded = false }, { created: [created], status: [status] }) {
    const change = (reason: string) => ({
      verdict: 'change' as const,
      reason,
      guarded,
      changes: [{ kind: 'run-command' as const, command: run }],
    });
    if (creates !== undefined && created) {
      if (created.state === 'unreadable') {
        return unseen(creates, created);
      }
      if (created.state === 'absent') return change(`${creates} does not exist`);
    }
    if (status) {
      if (status.state !== 'present') {
        return failed(
          `unless could not be run: ${status.state === 'unreadable' ? status.why : 'the host gave no answer'}`,
        );
      }
      if (status.value !== 0)
        return change(`unless says that there is something to do (exit status ${status.value})`);
      return { verdict: 'ok', reason: 'unless says that nothing is left to do' };
    }
    return { verdict: 'ok', reason: `${creates} exists` };
  },
});
