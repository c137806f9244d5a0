import { type TSchema, Type } from '@sinclair/typebox';
import { Inventory, Vars } from '../inventory/schema.ts';
import type { AnyTaskType } from '../tasks/task.ts';

export const TASK_ID = '^[a-z0-9][a-z0-9._-]*$';

/** What every task has beside its type. */
export const TaskHead = Type.Object({
  id: Type.String({
    pattern: TASK_ID,
    maxLength: 80,
    description: 'A stable name for reports, --task and messages: small letters, digits, . _ -',
  }),
  name: Type.String({ minLength: 1, description: 'What it is for, in words.' }),
  tags: Type.Optional(Type.Array(Type.String({ pattern: TASK_ID }), { description: 'For --tags.' })),
});

export const PlaybookHead = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'What this playbook makes of a host.' }),
    vars: Type.Optional(Vars),
    tasks: Type.Array(Type.Unknown(), {
      minItems: 1,
      description: 'The tasks, in the order in which they are applied.',
    }),
  },
  { additionalProperties: false, title: 'harden playbook' },
);

/** JSON Schema for editors: as the files are written, so that `{{ name }}` may stand wherever a value may. */
export function schemaFor(
  kind: 'inventory' | 'playbook',
  taskTypes: ReadonlyMap<string, AnyTaskType>,
): object {
  const schema = kind === 'inventory' ? Inventory : playbookSchema(taskTypes);
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...plain(schema) };
}

function playbookSchema(taskTypes: ReadonlyMap<string, AnyTaskType>): TSchema {
  const tasks = [...taskTypes.values()].map(({ type, summary, schema }) =>
    Type.Object(
      {
        ...TaskHead.properties,
        [type]: Type.Unsafe({ ...(templated(plain(schema), true) as object), description: summary }),
      },
      { additionalProperties: false, title: type },
    ),
  );
  return {
    ...PlaybookHead,
    properties: {
      ...PlaybookHead.properties,
      tasks: { ...PlaybookHead.properties.tasks, items: { oneOf: tasks } },
    },
  } as TSchema;
}

/** Without the symbols that TypeBox keeps in its schemas. */
const plain = (schema: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(schema));

const TEMPLATE = { type: 'string', pattern: '\\{\\{' };

/** The schema with `{{ name }}` allowed for every value in it. */
function templated(schema: Record<string, unknown>, top = false): unknown {
  const inner: Record<string, unknown> = { ...schema };
  if (typeof schema.properties === 'object') {
    inner.properties = Object.fromEntries(
      Object.entries(schema.properties as Record<string, Record<string, unknown>>).map(([key, value]) => [
        key,
        templated(value),
      ]),
    );
  }
  if (typeof schema.items === 'object') inner.items = templated(schema.items as Record<string, unknown>);
  if (top) return inner;
  const { description, ...rest } = inner;
  return { ...(description === undefined ? {} : { description }), anyOf: [rest, TEMPLATE] };
}
