import { dirname, resolve } from 'node:path';
import { record, SourceDocument } from '../document/document.ts';
import { InputError, type Problem } from '../document/problem.ts';
import { hint } from '../document/suggest.ts';
import { violations } from '../document/validate.ts';
import { brokenHostKeys } from '../inventory/host-keys.ts';
import { expandRanges } from '../inventory/ranges.ts';
import { Inventory } from '../inventory/schema.ts';
import { selectHosts } from '../inventory/select.ts';
import { target } from '../inventory/target.ts';
import type { AnyTaskType, Task } from '../tasks/task.ts';
import type { Target } from '../transport/transport.ts';
import { clashes, Playbook } from './playbook.ts';
import { hostVariables, misspelt, readAssignments } from './variables.ts';

export interface LoadOptions {
  /** The inventory's path. */
  readonly inventory: string;
  /** Instead of those that the inventory names; relative to `cwd`. */
  readonly playbooks?: readonly string[];
  readonly limit?: string;
  readonly tags?: readonly string[];
  /** Task ids. */
  readonly tasks?: readonly string[];
  /** `--var`: names and values as YAML. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly taskTypes: ReadonlyMap<string, AnyTaskType>;
  readonly cwd: string;
  /**
   * What is asked of playbooks: without them nothing can be done (the default), what they say is of use, or nothing: then one that
   * is missing or wrong is no obstacle.
   */
  readonly need?: 'playbook' | 'playbook-if-named' | 'hosts';
}

export interface LoadedRun {
  readonly hosts: readonly { readonly target: Target; readonly tasks: readonly Task[] }[];
}

/** Reads all files and makes the tasks of every host. Throws `InputError` with all mistakes at once. */
export async function loadRun(options: LoadOptions): Promise<LoadedRun> {
  const { cwd } = options;
  const document = await SourceDocument.read(options.inventory, cwd);
  const problems: Problem[] = [
    ...document.problems,
    ...violations(Inventory, document.value).map(({ path, message, ...rest }) =>
      document.problem(path, message, rest),
    ),
    ...(await brokenHostKeys(document)),
  ];
  const written = problems.length === 0 ? (document.value as Inventory) : rightParts(document.value);
  const { inventory, keys } = expandRanges(written, document, problems);
  const playbooks =
    options.need === 'hosts' ? [] : await readPlaybooks(document, inventory, options, problems);
  const names = Object.keys(inventory.hosts);
  const groups = Object.entries(inventory.groups ?? {});
  const commandLine = readAssignments(options.vars ?? {}, problems);
  // without a host there are still the mistakes that every host would have
  const variables = (names.length > 0 ? names : ['']).map((name) =>
    hostVariables(name, keys.get(name) ?? name, document, inventory, playbooks, commandLine),
  );
  // one host after another, so that hosts with the same values share their tasks
  const made = await inTurn(variables, (vars) =>
    inTurn(playbooks, async (playbook) => ({ playbook, ...(await playbook.make(vars)) })),
  );
  problems.push(...made.flat().flatMap((one) => one.problems));
  for (const one of made) {
    problems.push(
      ...clashes(
        one.map(({ playbook, tasks }) => ({
          document: playbook.document,
          written: playbook.tasks,
          made: tasks,
        })),
      ),
    );
  }
  if (options.need !== 'hosts') {
    problems.push(
      ...misspelt(document, written, playbooks, commandLine),
      ...unknownChoices(playbooks, options),
    );
  }
  if (problems.length > 0) throw new InputError(problems);

  const selected =
    options.limit === undefined
      ? names
      : selectHosts(
          options.limit,
          names,
          Object.fromEntries(groups.map(([group, { hosts }]) => [group, hosts])),
        );
  if (selected.length === 0)
    throw new InputError([{ file: '--limit', message: `"${options.limit}" leaves no host` }]);
  const chosen = (task: Task): boolean =>
    (!options.tags || task.tags.some((tag) => options.tags?.includes(tag))) &&
    (!options.tasks || options.tasks.includes(task.id));
  const hosts = selected.map((name) => ({
    target: target(name, inventory),
    tasks: (made[names.indexOf(name)] ?? []).flatMap(({ tasks }) => tasks).filter(chosen),
  }));
  if ((options.need ?? 'playbook') === 'playbook' && hosts.every(({ tasks }) => tasks.length === 0))
    throw new InputError([{ file: '--task', message: 'no task has both this id and one of these tags' }]);
  return { hosts };
}

/** What can be used of an inventory with mistakes, so that those of the playbook are told along with them. */
function rightParts(value: unknown): Inventory {
  const { playbook, vars, groups, hosts } = record(value);
  const texts = (list: unknown): string[] =>
    [list].flat().filter((item): item is string => typeof item === 'string');
  const each = <T>(map: unknown, part: (item: Record<string, unknown>) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(record(map)).map(([name, item]) => [name, part(record(item))]));
  return {
    playbook: texts(playbook),
    vars: record(vars),
    groups: each(groups, (group) => ({ hosts: texts(group.hosts), vars: record(group.vars) })),
    hosts: each(hosts, (host) => ({ vars: record(host.vars) })),
  };
}

async function readPlaybooks(
  document: SourceDocument,
  inventory: Inventory,
  { playbooks, cwd, taskTypes, need = 'playbook' }: LoadOptions,
  problems: Problem[],
): Promise<Playbook[]> {
  const named = inventory.playbook === undefined ? [] : [inventory.playbook].flat();
  const paths =
    playbooks?.map((path) => resolve(cwd, path)) ??
    named.map((path) => resolve(dirname(document.path), path));
  if (paths.length === 0 && problems.length === 0 && need === 'playbook') {
    problems.push(
      document.problem([], 'names no playbook: add "playbook: FILE", or give --playbook FILE', { at: 'key' }),
    );
  }
  return inTurn(paths, async (path, index) => {
    try {
      const playbook = await Playbook.read(path, cwd, taskTypes);
      problems.push(...playbook.problems);
      return [playbook];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const missing = error.problems.length === 1 && error.problems[0]?.line === undefined;
      if (missing && !playbooks) {
        // the mistake is in the line that names the file
        const at = Array.isArray(inventory.playbook) ? ['playbook', index] : ['playbook'];
        problems.push(
          document.problem(at, `the playbook ${error.problems[0]!.file} ${error.problems[0]!.message}`),
        );
      } else problems.push(...error.problems);
      return [];
    }
  }).then((read) => read.flat());
}

/** One after another: what the first makes, the others may share. */
async function inTurn<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}

/** `--tags` and `--task` that mean nothing. */
function unknownChoices(playbooks: readonly Playbook[], { tags = [], tasks = [] }: LoadOptions): Problem[] {
  const written = playbooks.flatMap((playbook) => playbook.tasks);
  const unknown = (flag: string, what: string, names: readonly string[], known: readonly string[]) =>
    names
      .filter((name) => !known.includes(name))
      .map((name): Problem => {
        const near = hint(name, [...new Set(known)]);
        return { file: flag, message: `no task has the ${what} "${name}"`, ...(near ? { hint: near } : {}) };
      });
  return [
    ...unknown(
      '--tags',
      'tag',
      tags,
      written.flatMap((task) => task.tags),
    ),
    ...unknown(
      '--task',
      'id',
      tasks,
      written.map((task) => task.id),
    ),
  ];
}
