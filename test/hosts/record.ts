import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { CommandName, HostResult, RunResult, TaskResult } from '../../src/report/result.ts';
import { harden, hardenStaying, started } from '../cli/harden.ts';
import type { TestHost } from './host.ts';

export interface Record extends RunResult {
  /** What people would have read. */
  readonly text: string;
  /** The record's first host: most tests have one. */
  readonly host: HostResult;
  readonly tasks: Readonly<{ [id: string]: TaskResult }>;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<{ [name: string]: string }>;
  /** Files beside the inventory, such as a playbook. */
  readonly files?: Readonly<{ [name: string]: string }>;
  /** Whether it runs in a process of its own, as users run it: most tests ask nothing of that. */
  readonly ownProcess?: boolean;
  /** How long it may say nothing, in seconds. */
  readonly silence?: number;
}

/** Runs a command with `--json` on an inventory. Fails where the exit code is not the record's. */
export async function record(
  command: CommandName,
  inventory: string,
  { args = [], env, files = {}, silence, ownProcess = false }: RunOptions = {},
): Promise<Record> {
  const folder = await mkdtemp(join(tmpdir(), 'harden-test-'));
  try {
    for (const [name, text] of Object.entries({ ...files, 'inventory.yaml': inventory })) {
      await writeFile(join(folder, name), text);
    }
    const yes = command === 'apply' || command === 'rollback' ? ['--yes'] : [];
    // what Node itself is told by its environment takes a process of its own
    const run = ownProcess || env?.NODE_OPTIONS !== undefined ? harden : hardenStaying;
    const { code, stdout, stderr } = await run([command, '--json', ...yes, ...args], {
      cwd: folder,
      ...(env && { env }),
      ...(silence && { silence }),
    });
    if (stdout === '') throw new Error(`harden ${command} ended with ${code} and no record: ${stderr}`);
    const result = JSON.parse(stdout) as RunResult;
    if (result.exitCode !== code)
      throw new Error(`The record says ${result.exitCode}, the process ${code}: ${stderr}`);
    const [host] = result.hosts;
    if (!host) throw new Error(`The record of harden ${command} has no host: ${stderr}`);
    return {
      ...result,
      text: stderr,
      host,
      tasks: Object.fromEntries(host.tasks.map((task) => [task.id, task])),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export type Tool = ReturnType<typeof started>;

/** Applies an inventory of the shipped playbook, and gives the program while it runs: it may be killed. */
export async function applying(inventory: string, confirmTimeout = 10): Promise<Tool> {
  const folder = await mkdtemp(join(tmpdir(), 'harden-test-'));
  const file = join(folder, 'inventory.yaml');
  await writeFile(file, inventory);
  const tool = started(['apply', file, '--json', '--yes', '--confirm-timeout', String(confirmTimeout)]);
  void tool.ended.catch(() => {}).then(() => rm(folder, { recursive: true }));
  return tool;
}

/** Task id to status. */
export const statuses = ({ tasks }: Record) =>
  Object.fromEntries(Object.entries(tasks).map(([id, { status }]) => [id, status]));

/** Tasks of a playbook of the test's own, by their ids. */
export type TasksById = Readonly<{ [id: string]: object }>;

/** Applies them; `seconds` is how long the host waits for the login that confirms. */
export const applyTasks = (
  host: Pick<TestHost, 'inventory'>,
  tasks: TasksById,
  seconds: number,
  options: RunOptions = {},
): Promise<Record> =>
  record('apply', host.inventory({ playbook: 'playbook.yaml' }), {
    ...options,
    args: ['--confirm-timeout', String(seconds)],
    files: {
      'playbook.yaml': stringify({
        name: 'tasks of a test',
        tasks: Object.entries(tasks).map(([id, task]) => ({ id, name: id, ...task })),
      }),
    },
  });
