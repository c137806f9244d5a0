import { posix } from 'node:path';
import { Type } from '@sinclair/typebox';
import { fileProbe } from '../probes/file.ts';
import { fileOriginProbe } from '../probes/origin.ts';
import { ask } from '../probes/probe.ts';
import { attributeDrift } from './common/attributes.ts';
import { AbsolutePath } from './common/params.ts';
import { restore } from './common/restore.ts';
import { blocked, unseen, wrongKind } from './common/verdicts.ts';
import { writeOver } from './common/write.ts';
import { wantedAccess } from './log4j2/access.ts';
import { patchLog4j2 } from './log4j2/patch.ts';
import { defineRemoval, defineTask } from './task.ts';

const SIZE = '10 MB';
const KEEP = 9;

const schema = Type.Object(
  {
    path: AbsolutePath('The log4j2.xml of James.'),
    log: Type.String({
      description: 'The log file that the fail2ban filter reads; nothing else will write into it.',
      // log4j2 gives $ and % a meaning of their own.
      pattern: '^(/[A-Za-z0-9_+@][A-Za-z0-9._+@-]*)+$',
      maxLength: 1024,
    }),
    size: Type.Optional(
      Type.String({
        description: 'The size at which the log file rolls over.',
        pattern: '^[1-9][0-9]{0,5} ?[KMG]B$',
        default: SIZE,
      }),
    ),
    keep: Type.Optional(
      Type.Integer({
        description: 'How many old log files are kept.',
        minimum: 1,
        maximum: 1000,
        default: KEEP,
      }),
    ),
  },
  { additionalProperties: false, title: 'log4j2' },
);

const removal = defineRemoval(schema, {
  summary: 'the file is as it was before harden, byte for byte; what others changed in it since stays.',
  questions: ({ path }) => ({
    file: ask(fileProbe, { path, content: 'always' }),
    origin: ask(fileOriginProbe, path),
  }),
  plan({ path, log, size = SIZE, keep = KEEP }, { file, origin }) {
    const before = origin.state === 'present' ? origin.value.before : undefined;
    const patch = before?.state === 'file' ? patchLog4j2(before.content, { log, size, keep }) : undefined;
    return restore({ path, file, origin, ours: patch?.state === 'patched' ? [patch.content] : [] });
  },
});

/** James's log4j2.xml, patched: failed logins and guessed recipients in a log file of their own. */
export const log4j2Task = defineTask({
  type: 'log4j2',
  summary:
    "James's log4j2.xml writes failed logins and guessed recipients into a log file of their own; patched in place, everything else is kept.",
  schema,
  removal,
  owns: ({ path }) => [`file:${path}`],
  questions: ({ path, log }) => ({
    file: ask(fileProbe, { path, content: 'always' }),
    logs: ask(fileProbe, { path: posix.dirname(log), content: 'never' }),
  }),
  plan({ path, log, size = SIZE, keep = KEEP }, { file, logs }) {
    if (file.state === 'unreadable') return unseen(path, file);
    if (file.state === 'absent') {
      return blocked(`James is not installed here: ${path} does not exist`);
    }
    const { value } = file;
    if (value.kind !== 'file') return wrongKind(path, 'a regular file');
    if (!value.content) {
      return blocked(`${path} has ${value.size} bytes, too many to patch; it was left alone`);
    }
    const access = logs.state === 'present' ? wantedAccess(value, logs.value) : {};
    const drift = attributeDrift(value, access);
    const patch = patchLog4j2(value.content, { log, size, keep });
    switch (patch.state) {
      case 'refused':
        return blocked(`${path}:${patch.line}:${patch.column} ${patch.reason}; it was left alone`);
      case 'unchanged':
        return drift
          ? { verdict: 'change', reason: drift.summary, changes: [drift], notes: patch.notes }
          : { verdict: 'ok', reason: patch.reason, notes: patch.notes };
      case 'patched':
        return {
          verdict: 'change',
          reason: `it does not write ${log} as wanted${drift ? `, ${drift.summary}` : ''}`,
          changes: [{ ...writeOver(path, value, patch.content), ...(drift ? access : {}) }],
          notes: patch.notes,
        };
    }
  },
});
