import type { TObject, TSchema } from '@sinclair/typebox';
import { hint } from '../document/suggest.ts';
import { type Painter, painter } from '../report/terminal.ts';
import { taskTypes } from '../tasks/registry.ts';
import { UsageError } from './options.ts';

/** The task types, or one of them with its parameters. */
export function tasks(name: string | undefined, options: { color: boolean }): number {
  const paint = painter({ off: !options.color, env: process.env, isTerminal: process.stdout.isTTY });
  if (name === undefined) {
    const width = Math.max(...[...taskTypes.keys()].map((type) => type.length));
    const lines = [...taskTypes.values()].map(
      ({ type, summary }) => `${paint('bold', type.padEnd(width))}  ${summary}`,
    );
    process.stdout.write(`${lines.join('\n')}\n\nharden tasks TYPE shows the parameters of one.\n`);
    return 0;
  }
  const type = taskTypes.get(name);
  if (!type) {
    throw new UsageError(`there is no task type "${name}" (${hint(name, [...taskTypes.keys()])})`);
  }
  process.stdout.write(`${paint('bold', type.type)}: ${type.summary}\n\n${parameters(type.schema, paint)}\n`);
  return 0;
}

function parameters(schema: TObject, paint: Painter, indent = '  '): string {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties)
    .map(([name, property]) => {
      const kind = `${kindOf(property)}${required.has(name) ? ', required' : ''}`;
      const head = `${indent}${paint('bold', name)} (${kind})  ${property.description ?? ''}`;
      const inner =
        property.type === 'array' && property.items?.type === 'object'
          ? property.items
          : property.type === 'object' && property.properties
            ? property
            : undefined;
      return inner ? `${head}\n${parameters(inner as TObject, paint, `${indent}  `)}` : head;
    })
    .join('\n');
}

function kindOf(schema: TSchema): string {
  const options = (schema.anyOf ?? schema.oneOf) as TSchema[] | undefined;
  if (options) return [...new Set(options.map(kindOf))].join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return (schema.enum as unknown[]).map((value) => JSON.stringify(value)).join(' or ');
  if (schema.type === 'array') return `list of ${kindOf(schema.items as TSchema)}`;
  return typeof schema.type === 'string' ? schema.type : 'any';
}
