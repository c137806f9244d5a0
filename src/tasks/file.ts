import { posix } from 'node:path';
import { Type } from '@sinclair/typebox';
import { CONTENT_LIMIT, type FileState, fileProbe } from '../probes/file.ts';
import { fileOriginProbe } from '../probes/origin.ts';
import { ask } from '../probes/probe.ts';
import { accountsOf, missingAccount } from './common/accounts.ts';
import { attributeDrift, ownership, usableMode } from './common/attributes.ts';
import { AbsolutePath, Account, Mode, ShellCommand } from './common/params.ts';
import { restore } from './common/restore.ts';
import { missing, missingFolder, unseen, wrongKind } from './common/verdicts.ts';
import { sha256, writeOver } from './common/write.ts';
import { defineRemoval, defineTask, type PlanContext } from './task.ts';

const schema = Type.Object(
  {
    path: AbsolutePath('The file on the host.'),
    content: Type.Optional(Type.String({ description: 'The whole content, literally.' })),
    source: Type.Optional(
      Type.String({ minLength: 1, description: 'A file beside the playbook whose bytes are the content.' }),
    ),
    template: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'A text file beside the playbook in which {{ name }} is replaced by variables.',
      }),
    ),
    mode: Type.Optional(Mode),
    owner: Type.Optional(
      Account('The user that owns it, by name (default: root for a new one, otherwise as it is).'),
    ),
    group: Type.Optional(Account('The group, by name (default: as for the owner).')),
    owner_from: Type.Optional(
      AbsolutePath(
        'A file or directory on the host whose owner and group this file gets, instead of named ones.',
      ),
    ),
    validate: Type.Optional(
      ShellCommand(
        'A shell command that must succeed before the new file is moved into place; its path is "$1".',
      ),
    ),
    sensitive: Type.Optional(
      Type.Boolean({
        description: 'Never show the content, not even in a diff; a new file is readable by root alone.',
      }),
    ),
  },
  { additionalProperties: false, title: 'file' },
);

const CONTENT = ['content', 'source', 'template'] as const;

/** The wanted bytes; undefined if only existence and attributes matter. */
function wanted(
  params: { content?: string; source?: string; template?: string },
  local: PlanContext['local'],
): Buffer | undefined {
  if (params.content !== undefined) return Buffer.from(params.content);
  const path = params.source ?? params.template;
  return path === undefined ? undefined : local.get(path);
}

const removal = defineRemoval(schema, {
  summary:
    'what stood there before harden comes back, or nothing if there was nothing; a file that harden only made, and others filled, stays.',
  questions: ({ path }) => ({
    file: ask(fileProbe, { path, content: 'always' }),
    origin: ask(fileOriginProbe, path),
  }),
  plan(params, { file, origin }, { local }) {
    const content = wanted(params, local);
    const filled = file.state === 'present' && file.value.size > 0;
    const made = origin.state === 'present' && origin.value.before.state === 'absent';
    if (!content && made && filled) {
      return { verdict: 'ok', reason: 'harden made it, and others have written into it since: it stays' };
    }
    const { path, sensitive = false } = params;
    return restore({ path, file, origin, ours: [content ?? Buffer.alloc(0)], sensitive });
  },
});

/** A file: its content, if one is given, its owner and mode. */
export const fileTask = defineTask({
  type: 'file',
  summary:
    'A file has this content, owner and mode; written atomically. Without content it only has to exist: what it holds is left alone.',
  schema,
  removal,
  check(params) {
    const given = CONTENT.filter((name) => params[name] !== undefined);
    const problems: [string[], string][] = [];
    if (given.length > 1)
      problems.push([[given[1]!], `only one of content, source and template can be given`]);
    if (params.owner_from && (params.owner || params.group)) {
      problems.push([['owner_from'], 'owner_from stands in place of owner and group']);
    }
    return problems;
  },
  localFiles: ({ source, template }) => [
    ...(source === undefined ? [] : [{ path: source, template: false }]),
    ...(template === undefined ? [] : [{ path: template, template: true }]),
  ],
  owns: ({ path }) => [`file:${path}`],
  questions(params, { local }) {
    const content = wanted(params, local);
    const parent = posix.dirname(params.path);
    return {
      file: ask(fileProbe, {
        path: params.path,
        content: content && !params.sensitive ? { unless: sha256(content) } : 'never',
      }),
      parent: ask(fileProbe, { path: parent, content: 'never' }),
      model: ask(fileProbe, { path: params.owner_from ?? parent, content: 'never' }),
      accounts: accountsOf(params),
    };
  },
  plan(params, { file, parent, model, accounts }, { local, promised }) {
    const { path } = params;
    const content = wanted(params, local);
    if (file.state === 'unreadable') return unseen(path, file);
    const folder = posix.dirname(path);
    const nowhere = promised(`file:${folder}`) ? undefined : missingFolder(folder, parent);
    if (nowhere) return nowhere;
    const nobody = missingAccount(params, accounts);
    if (nobody) return nobody;
    let attributes = ownership(params);
    if (params.owner_from) {
      const unknown = missing(params.owner_from, model);
      if (unknown) return unknown;
      if (model.state === 'present')
        attributes = { ...attributes, owner: model.value.owner, group: model.value.group };
    }
    const options = {
      ...(params.validate ? { validate: params.validate } : {}),
      ...(params.sensitive ? { sensitive: true } : {}),
    };
    if (file.state === 'absent') {
      return {
        verdict: 'change',
        reason: 'it does not exist',
        changes: [
          {
            ...writeOver(path, undefined, content ?? Buffer.alloc(0)),
            ...options,
            ...(params.sensitive ? { mode: '0600' } : {}),
            ...attributes,
          },
        ],
      };
    }
    const { value } = file;
    const notes = exposed(params, value);
    if (value.kind !== 'file') return wrongKind(path, 'a regular file');
    // whoever it is made over to has to be able to use it
    if (params.owner_from && !params.mode) attributes = { ...attributes, mode: usableMode(value) };
    const drift = attributeDrift(value, attributes);
    if (content && value.sha256 !== sha256(content)) {
      const what =
        value.size > CONTENT_LIMIT ? 'its content differs (too large to show)' : 'its content differs';
      return {
        verdict: 'change',
        reason: drift ? `${what}, ${drift.summary}` : what,
        changes: [{ ...writeOver(path, value, content), ...options, ...attributes }],
        ...noted([...notes, ...parted(value)]),
      };
    }
    if (drift) return { verdict: 'change', reason: drift.summary, changes: [drift], ...noted(notes) };
    return {
      verdict: 'ok',
      reason: content ? 'it has that content already' : 'it exists as wanted',
      ...noted(notes),
    };
  },
});

const noted = (notes: readonly string[]) => (notes.length > 0 ? { notes } : {});

/** A file that was there keeps its mode, also one that lets everybody read a secret. */
function exposed(
  {
    path,
    sensitive,
    mode,
    owner_from,
  }: { path: string; sensitive?: boolean; mode?: string; owner_from?: string },
  value: FileState,
): string[] {
  const kept = owner_from ? usableMode(value) : value.mode;
  if (!sensitive || mode !== undefined || (Number.parseInt(kept, 8) & 0o004) === 0) return [];
  return [
    `${path} is sensitive, yet everybody on the host may read it (mode ${kept}), and a file that is there keeps its mode: set one, such as mode: "0600"`,
  ];
}

/** A file that is replaced whole is a new one, and its other names stay with the old one. */
const parted = ({ otherNames = 0 }: FileState): string[] =>
  otherNames === 0
    ? []
    : [
        `the file has ${otherNames === 1 ? 'another name' : `${otherNames} other names`} (hard links), which ${otherNames === 1 ? 'keeps' : 'keep'} the old content`,
      ];
