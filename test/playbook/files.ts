import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { InputError } from '../../src/document/problem.ts';
import { type LoadOptions, loadRun } from '../../src/playbook/load-run.ts';
import { type AnyTaskType, defineTask, type Key } from '../../src/tasks/task.ts';
import { NO_REMOVAL } from '../tasks/context.ts';

/** A task type with a parameter of every kind. */
const thing = defineTask({
  type: 'thing',
  summary: 'A thing.',
  schema: Type.Object(
    {
      key: Type.Optional(Type.String()),
      bantime: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
      count: Type.Optional(Type.Integer({ minimum: 2, maximum: 255 })),
      list: Type.Optional(Type.Array(Type.String())),
      rows: Type.Optional(Type.Array(Type.Object({ name: Type.String() }, { additionalProperties: false }))),
      any: Type.Optional(Type.Unknown()),
      template: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
  check: ({ key }) => (key === 'bad' ? [[['key'], 'key must not be bad']] : []),
  localFiles: ({ template }) => (template ? [{ path: template, template: true }] : []),
  owns: ({ key }) => (key ? [key.includes(':') ? (key as Key) : `thing:${key}`] : []),
  questions: () => ({}),
  removal: NO_REMOVAL,
  plan: () => ({ verdict: 'ok', reason: '' }),
});

export const taskTypes: ReadonlyMap<string, AnyTaskType> = new Map([
  ['thing', thing],
  ['other', { ...thing, type: 'other' }],
]);

/** Loads a run from files given as text, from `inventory.yaml` in a folder of its own. */
export async function load(files: Record<string, string>, options: Partial<LoadOptions> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'harden-load-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, name)), { recursive: true });
      writeFileSync(join(cwd, name), text);
    }
    return await loadRun({ inventory: join(cwd, 'inventory.yaml'), taskTypes, cwd, ...options });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** What is said about files with mistakes. */
export async function mistakes(
  files: Record<string, string>,
  options: Partial<LoadOptions> = {},
): Promise<string> {
  try {
    await load(files, options);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return '';
}

export const INVENTORY = 'playbook: p.yaml\nhosts: { mail1: }\n';
export const playbook = (task: string, vars = ''): string =>
  `name: p\n${vars}tasks:\n  - id: a\n    name: A\n    ${task}\n`;
