import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Inventory } from '../../src/inventory/schema.ts';
import { PlaybookHead, schemaFor, TaskHead } from '../../src/playbook/schema.ts';
import { taskTypes } from '../../src/tasks/registry.ts';

const repository = join(import.meta.dirname, '../..');
const valid = (kind: 'inventory' | 'playbook', value: unknown) => {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(schemaFor(kind, taskTypes));
  return validate(value) ? [] : validate.errors;
};
const file = (name: string) => parse(readFileSync(join(repository, name), 'utf8'));

describe('a schema that values are checked against', () => {
  // src/document/validate.ts takes this for granted
  it.each<[name: string, schema: object]>([
    ['Inventory', Inventory],
    ['PlaybookHead', PlaybookHead],
    ['TaskHead', TaskHead],
    ...[...taskTypes.values()].map(({ type, schema }) => [type, schema] as [string, object]),
  ])('%s is a schema', (_name, schema) => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
  });
});

describe('the schema for editors', () => {
  it('accepts the files that are shipped', () => {
    expect(valid('inventory', file('inventory/example.yaml'))).toEqual([]);
    expect(valid('playbook', file('playbooks/james-fail2ban.yaml'))).toEqual([]);
  });

  it('refuses mistakes', () => {
    expect(valid('inventory', { hosts: { a: { adress: 'x' } } })).not.toEqual([]);
    const task = { id: 'a', name: 'A', package: { nam: 'x' } };
    expect(valid('playbook', { name: 'p', tasks: [task] })).not.toEqual([]);
    expect(valid('playbook', { name: 'p', tasks: [{ ...task, package: { name: '{{ x }}' } }] })).toEqual([]);
  });

  it('describes every parameter of every task type', () => {
    for (const { type, schema } of taskTypes.values()) {
      for (const [name, property] of Object.entries(
        schema.properties as Record<string, { description?: string }>,
      )) {
        expect(property.description, `${type}.${name}`).toBeTruthy();
      }
    }
  });
});
