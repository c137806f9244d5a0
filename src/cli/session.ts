import { hostname, userInfo } from 'node:os';
import { relative } from 'node:path';
import type { Patient } from '../engine/doctor/examine.ts';
import { forEachHost } from '../engine/fleet.ts';
import { HostRun } from '../engine/host.ts';
import { findInventory } from '../inventory/find.ts';
import { loadRun } from '../playbook/load-run.ts';
import { doctorReport } from '../report/doctor.ts';
import { type CommandName, exitCode, type HostResult, type RunResult, summarize } from '../report/result.ts';
import { type Painter, painter } from '../report/terminal.ts';
import { type Given, textReport } from '../report/text.ts';
import { taskTypes } from '../tasks/registry.ts';
import { oneLine } from '../text/harmless.ts';
import { type ConnectOptions, connect } from '../transport/connect.ts';
import { version } from '../version.ts';
import { becomePassword, keyPassphrase } from './ask.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './options.ts';

/** One run of a command over hosts: files are loaded, hosts are worked on, one result comes out. */
export class Session {
  readonly command: CommandName;
  readonly hosts: readonly HostRun[];
  readonly paint: Painter;
  readonly #options: CommonOptions;
  readonly #given: Given;
  readonly #interrupted: AbortSignal;
  readonly #patients: readonly Patient[];

  static async open(
    command: CommandName,
    inventory: string | undefined,
    options: CommonOptions & { confirmTimeout?: number },
  ): Promise<Session> {
    const path = await findInventory(inventory, process.env, process.cwd());
    const loaded = await loadRun({
      inventory: path,
      ...(options.playbook ? { playbooks: options.playbook } : {}),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.tags ? { tags: options.tags } : {}),
      ...(options.task ? { tasks: options.task } : {}),
      ...(options.var ? { vars: options.var } : {}),
      taskTypes,
      cwd: process.cwd(),
    });
    return new Session(command, inventory ?? relative(process.cwd(), path), loaded.hosts, options);
  }

  private constructor(
    command: CommandName,
    inventory: string,
    hosts: Awaited<ReturnType<typeof loadRun>>['hosts'],
    options: CommonOptions & { confirmTimeout?: number },
  ) {
    this.command = command;
    this.#options = options;
    this.#given = given(inventory, options);
    const out = options.json ? process.stderr : process.stdout;
    this.paint = painter({ off: !options.color, env: process.env, isTerminal: out.isTTY });
    this.#interrupted = interruptible((line) => this.#progress(line));
    const password = becomePassword({ ask: options.askBecomePass ?? false });
    const passphrase = keyPassphrase();
    const holder = `${userInfo().username}@${hostname()}, since ${new Date().toISOString()}`;
    const access: ConnectOptions = { becomePassword: password, passphrase, signal: this.#interrupted };
    this.#patients = hosts.map(({ target, tasks }) => ({
      target,
      tasks,
      connect: (onReached) => connect(target, { ...access, onReached }),
      signal: this.#interrupted,
    }));
    this.hosts = hosts.map(
      ({ target, tasks }) =>
        new HostRun(target, tasks, {
          connect: () => connect(target, access),
          confirmTimeout: options.confirmTimeout ?? 60,
          holder,
          progress: (line) => this.#progress(`${target.name} | ${line}`),
          signal: this.#interrupted,
        }),
    );
  }

  /** Works on all hosts, `--forks` at a time; the results stand in the inventory's order. */
  async each(work: (host: HostRun) => Promise<HostResult>): Promise<HostResult[]> {
    return forEachHost(this.hosts, this.#options.forks, work, this.#interrupted);
  }

  /** The same without a run of the playbook: `work` reaches each host itself. */
  async visit(work: (patient: Patient) => Promise<HostResult>): Promise<HostResult[]> {
    return forEachHost(this.#patients, this.#options.forks, work, this.#interrupted);
  }

  get interrupted(): boolean {
    return this.#interrupted.aborted;
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
  }

  /** Prints the result in the form that was asked for and gives the exit code. */
  finish(hosts: readonly HostResult[], { detailed = false, diff = false, declined = false } = {}): number {
    const code = exitCode(hosts, { detailed, declined, interrupted: this.interrupted });
    const result: RunResult = {
      format: 'harden.result/1',
      version,
      command: this.command,
      exitCode: code,
      summary: summarize(hosts, this.hosts.length - hosts.length),
      hosts,
    };
    this.#say(this.#text(result, diff, this.#given));
    if (this.#options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return code;
  }

  /** Prints what is going to be changed. */
  showPlan(hosts: readonly HostResult[], diff: boolean): void {
    const summary = summarize(hosts);
    this.#say(
      this.#text({ format: 'harden.result/1', version, command: 'diff', exitCode: 2, summary, hosts }, diff),
    );
  }

  #text(result: RunResult, diff: boolean, given?: Given): string {
    return (result.command === 'doctor' ? doctorReport : textReport)(result, {
      paint: this.paint,
      diff,
      quiet: this.#options.quiet ?? false,
      verbose: this.#options.verbose ?? false,
      ...(given ? { given } : {}),
    });
  }

  /** For people: standard output, or standard error where that is for a program. */
  #say(text: string): void {
    (this.#options.json ? process.stderr : process.stdout).write(text);
  }

  #progress(line: string): void {
    if (!this.#options.quiet) process.stderr.write(`${this.paint('dim', oneLine(line))}\n`);
  }
}

/** For the next command. A variable's value may be a secret, so it is not repeated. */
function given(inventory: string, { playbook, tags, task, var: vars, limit }: CommonOptions): Given {
  const flag = (name: string, values: readonly string[] = []) => values.flatMap((value) => [name, value]);
  return {
    inventory,
    choices: [
      ...flag('--playbook', playbook),
      ...flag('--tags', tags && [tags.join(',')]),
      ...flag('--task', task),
      ...flag(
        '--var',
        Object.keys(vars ?? {}).map((name) => `${name}=…`),
      ),
    ],
    ...(limit === undefined ? {} : { limit }),
  };
}
