import { parseDocument } from 'yaml';
import type { SourceDocument } from '../document/document.ts';
import type { Problem } from '../document/problem.ts';
import { hint, suggestion } from '../document/suggest.ts';
import { type Inventory, VARIABLE_NAME } from '../inventory/schema.ts';
import type { Variable, Variables } from './expand.ts';
import type { Playbook } from './playbook.ts';

/** `--var` values are YAML, so that lists and numbers can be given. */
export function readAssignments(
  vars: Readonly<Record<string, string>>,
  problems: Problem[],
): Map<string, Variable> {
  const read = new Map<string, Variable>();
  for (const [name, text] of Object.entries(vars)) {
    const value = parseDocument(text, { prettyErrors: false });
    if (!new RegExp(VARIABLE_NAME).test(name))
      problems.push({ file: '--var', message: `"${name}" cannot be a variable's name` });
    else {
      try {
        if (value.errors[0]) throw value.errors[0];
        read.set(name, { value: value.toJS(), origin: '--var' });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        problems.push({
          file: '--var',
          message: `the value of ${name} is not valid YAML: ${why}`,
          hint: `--var '${name}="…"' is text, whatever it holds`,
        });
      }
    }
  }
  return read;
}

/** Playbook, inventory, groups as listed, host, command line: the later wins. `key`: where the host stands below `hosts`. */
export function hostVariables(
  name: string,
  key: string,
  document: SourceDocument,
  inventory: Inventory,
  playbooks: readonly Playbook[],
  commandLine: ReadonlyMap<string, Variable>,
): Variables {
  const variables = new Map<string, Variable>();
  const add = (
    vars: Readonly<Record<string, unknown>> | undefined,
    from: SourceDocument,
    path: readonly string[],
  ) => {
    for (const [variable, value] of Object.entries(vars ?? {})) {
      variables.set(variable, { value, origin: from.place([...path, variable]) });
    }
  };
  for (const playbook of playbooks) add(playbook.vars, playbook.document, ['vars']);
  add(inventory.vars, document, ['vars']);
  for (const [group, { hosts, vars }] of Object.entries(inventory.groups ?? {})) {
    if (hosts.includes(name)) add(vars, document, ['groups', group, 'vars']);
  }
  add(inventory.hosts[name]?.vars, document, ['hosts', key, 'vars']);
  for (const [variable, value] of commandLine) variables.set(variable, value);
  return variables;
}

/**
 * A variable of the command line that no playbook knows; or one of the inventory that none knows, but that is nearly one that they know: a misspelt `trusted` would
 * silently leave nobody trusted.
 */
export function misspelt(
  document: SourceDocument,
  inventory: Inventory,
  playbooks: readonly Playbook[],
  commandLine: ReadonlyMap<string, Variable>,
): Problem[] {
  const known = new Set(playbooks.flatMap((playbook) => [...Object.keys(playbook.vars), ...playbook.used]));
  const places: [vars: object | undefined, path: string[]][] = [
    [inventory.vars, ['vars']],
    ...Object.entries(inventory.groups ?? {}).map(([name, { vars }]): [object | undefined, string[]] => [
      vars,
      ['groups', name, 'vars'],
    ]),
    ...Object.entries(inventory.hosts).map(([name, host]): [object | undefined, string[]] => [
      host?.vars,
      ['hosts', name, 'vars'],
    ]),
  ];
  // whoever gives one for this very run means a playbook of it
  const useless = [...commandLine.keys()]
    .filter((name) => playbooks.length > 0 && !known.has(name))
    .map((name): Problem => {
      const near = hint(name, [...known]);
      return {
        file: '--var',
        message: `no playbook uses a variable "${name}"`,
        ...(near === undefined ? {} : { hint: near }),
      };
    });
  const inInventory = places.flatMap(([vars, path]) =>
    Object.keys(vars ?? {}).flatMap((key) => {
      const near = known.has(key) ? undefined : suggestion(key, known);
      if (near === undefined) return [];
      return [
        document.problem([...path, key], `no playbook uses a variable "${key}"`, {
          at: 'key',
          hint: `did you mean "${near}"?`,
        }),
      ];
    }),
  );
  return [...inInventory, ...useless];
}
