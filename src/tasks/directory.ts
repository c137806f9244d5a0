import { posix } from 'node:path';
import { Type } from '@sinclair/typebox';
import { fileProbe } from '../probes/file.ts';
import { fileOriginProbe } from '../probes/origin.ts';
import { ask } from '../probes/probe.ts';
import { accountsOf, missingAccount } from './common/accounts.ts';
import { attributeDrift, ownership } from './common/attributes.ts';
import { AbsolutePath, Account, Mode } from './common/params.ts';
import { missingFolder, unseen, wrongKind } from './common/verdicts.ts';
import { defineRemoval, defineTask } from './task.ts';

const schema = Type.Object(
  {
    path: AbsolutePath('The directory.'),
    mode: Type.Optional(Mode),
    owner: Type.Optional(
      Account('The user that owns it, by name (default: root for a new one, otherwise as it is).'),
    ),
    group: Type.Optional(Account('The group, by name (default: as for the owner).')),
  },
  { additionalProperties: false, title: 'directory' },
);

const removal = defineRemoval(schema, {
  summary:
    'removes one that harden made, if nothing is left in it; of another one, owner and mode come back.',
  questions: ({ path }) => ({
    directory: ask(fileProbe, { path, content: 'always' }),
    origin: ask(fileOriginProbe, path),
  }),
  plan({ path }, { directory, origin }, { leaving }) {
    if (directory.state === 'unreadable') return unseen(path, directory);
    if (origin.state === 'unreadable') return unseen(`What ${path} was before`, origin);
    if (directory.state === 'absent') return { verdict: 'ok', reason: 'it is not there' };
    if (origin.state === 'absent') {
      return { verdict: 'ok', reason: 'harden neither made nor changed it: it stays' };
    }
    const { before } = origin.value;
    if (before.state !== 'absent') {
      const drift = attributeDrift(directory.value, before);
      if (!drift) return { verdict: 'ok', reason: 'it is as it was before harden' };
      return { verdict: 'change', reason: drift.summary, changes: [{ ...drift, restores: true }] };
    }
    const left = (directory.value.entries ?? []).filter((name) => !leaving(`file:${path}/${name}`));
    if (left.length > 0) return { verdict: 'ok', reason: `others put ${left[0]} into it: it stays` };
    const changes = [{ kind: 'remove-directory' as const, path: directory.value.realPath }];
    return { verdict: 'change', reason: 'harden made it', changes };
  },
});

/** A directory with its owner and mode. */
export const directoryTask = defineTask({
  type: 'directory',
  summary: 'A directory exists with this owner and mode. Its contents are not touched.',
  schema,
  removal,
  owns: ({ path }) => [`file:${path}`],
  questions: ({ path, ...owners }) => ({
    directory: ask(fileProbe, { path, content: 'never' }),
    parent: ask(fileProbe, { path: posix.dirname(path), content: 'never' }),
    accounts: accountsOf(owners),
  }),
  plan(params, { directory, parent, accounts }, { promised }) {
    const { path } = params;
    if (directory.state === 'unreadable') {
      return unseen(path, directory);
    }
    const nobody = missingAccount(params, accounts);
    if (nobody) return nobody;
    if (directory.state === 'absent') {
      const folder = posix.dirname(path);
      const nowhere = promised(`file:${folder}`) ? undefined : missingFolder(folder, parent);
      if (nowhere) return nowhere;
      return {
        verdict: 'change',
        reason: 'it does not exist',
        changes: [{ kind: 'make-directory', path, ...ownership(params) }],
      };
    }
    const { value } = directory;
    if (value.kind !== 'directory') {
      return wrongKind(path, 'a directory');
    }
    const drift = attributeDrift(value, params);
    if (!drift) return { verdict: 'ok', reason: 'it exists as wanted' };
    return { verdict: 'change', reason: drift.summary, changes: [drift] };
  },
});
