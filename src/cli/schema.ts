import { schemaFor } from '../playbook/schema.ts';
import { taskTypes } from '../tasks/registry.ts';

/** JSON Schema for editors. */
export function schema(kind: 'inventory' | 'playbook'): number {
  process.stdout.write(`${JSON.stringify(schemaFor(kind, taskTypes), null, 2)}\n`);
  return 0;
}
