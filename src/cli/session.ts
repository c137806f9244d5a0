import { join, relative } from 'node:path';
import { InputError } from '../document/problem.ts';
import type { Patient } from '../engine/doctor/examine.ts';
import { forEachHost, Slots } from '../engine/fleet.ts';
import { thisHolder } from '../engine/holder.ts';
import { HostRun } from '../engine/host.ts';
import { Pacer } from '../engine/pacer.ts';
import { SharedState, stateFolder } from '../engine/shared-state.ts';
import { findInventory } from '../inventory/find.ts';
import { type LoadOptions, loadRun } from '../playbook/load-run.ts';
import { doctorReport } from '../report/doctor.ts';
import { logReport } from '../report/log.ts';
import { type CommandName, exitCode, type HostResult, type RunResult, summarize } from '../report/result.ts';
import { type Painter, painter } from '../report/terminal.ts';
import { type Given, textReport } from '../report/text.ts';
import { taskTypes } from '../tasks/registry.ts';
import type { Task } from '../tasks/task.ts';
import { oneLine } from '../text/harmless.ts';
import { type ConnectOptions, connect } from '../transport/connect.ts';
import { message } from '../transport/errors.ts';
import { version } from '../version.ts';
import { becomePassword, keyPassphrase, loginWorks } from './ask.ts';
import { type Interruption, interruptible } from './interrupt.ts';
import { printProblems, printResult } from './json.ts';
import type { CommonOptions } from './options.ts';

export interface SessionOptions {
  /** A new login may have to confirm what it changes. */
  readonly changing?: boolean;
  readonly confirmTimeout?: number;
  /** Somebody is at the terminal and agrees to what is done. */
  readonly asks?: boolean;
  /** What it has to do with playbooks. */
  readonly need?: LoadOptions['need'];
  /** Instead of the tasks of the playbooks. */
  readonly only?: readonly Task[];
  /** The run that is put back. */
  readonly run?: string;
}

/** One run of a command over hosts: files are loaded, hosts are worked on, one result comes out. */
export class Session {
  readonly command: CommandName;
  readonly hosts: readonly HostRun[];
  readonly paint: Painter;
  readonly #options: CommonOptions;
  readonly #given: Given;
  readonly #interruption: Interruption;
  readonly #slots: Slots;
  readonly #pacers: readonly Pacer[];
  #toldOfState = false;
  readonly #patients: readonly Patient[];

  static async open(
    command: CommandName,
    inventory: string | undefined,
    options: CommonOptions & SessionOptions,
  ): Promise<Session> {
    try {
      return await Session.#load(command, inventory, options);
    } catch (error) {
      if (options.json && error instanceof InputError) printProblems(command, error.problems);
      throw error;
    }
  }

  static async #load(
    command: CommandName,
    inventory: string | undefined,
    options: CommonOptions & SessionOptions,
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
      ...(options.need ? { need: options.need } : {}),
    });
    return new Session(command, inventory ?? relative(process.cwd(), path), loaded.hosts, options);
  }

  private constructor(
    command: CommandName,
    inventory: string,
    hosts: Awaited<ReturnType<typeof loadRun>>['hosts'],
    options: CommonOptions & SessionOptions,
  ) {
    this.command = command;
    this.#options = options;
    this.#given = given(inventory, options);
    const out = options.json ? process.stderr : process.stdout;
    this.paint = painter({ off: !options.color, env: process.env, isTerminal: out.isTTY });
    this.#interruption = interruptible((line) => this.#progress(line));
    const { stop, leave } = this.#interruption;
    const password = becomePassword({ ask: options.askBecomePass ?? false, signal: stop });
    const passphrase = keyPassphrase(stop);
    const access: ConnectOptions = {
      becomePassword: password,
      passphrase,
      terminal: process.stdin.isTTY,
      ...(options.acceptNew ? { acceptNew: (sentence: string) => this.#notice(sentence) } : {}),
    };
    const holder = thisHolder();
    this.#slots = new Slots(options.forks);
    const state = new SharedState(join(stateFolder(process.env), 'connections'));
    const runs = hosts.map(({ target, tasks }) => {
      const progress = (line: string) => this.#progress(`${target.name} | ${line}`);
      const pacer = new Pacer({
        state,
        tasks,
        tasksOf: ({ address, hop = address }) =>
          hosts.find(({ target }) =>
            [target.name, target.address].some((name) => [address, hop].includes(name)),
          )?.tasks,
        connections: options.changing ? 2 : 1,
        progress,
        unusable: (error) => this.#withoutState(error),
        lend: (waiting) => this.#slots.lend(waiting),
      });
      const run = new HostRun(target, options.only ?? tasks, {
        connect: (signal) => connect(target, { ...access, signal, gate: pacer }),
        command: command === 'rollback' ? command : 'apply',
        confirmTimeout: options.confirmTimeout ?? 60,
        holder,
        progress,
        ...(options.asks && { witness: (seconds, signal) => loginWorks(target.name, seconds, signal) }),
        looked: (seen, facts) => pacer.looked(seen, facts),
        stop,
        leave,
      });
      const patient: Patient = {
        target,
        tasks,
        connect: (onReached) => connect(target, { ...access, signal: stop, gate: pacer, onReached }),
        signal: stop,
      };
      return { run, pacer, patient };
    });
    this.hosts = runs.map(({ run }) => run);
    this.#pacers = runs.map(({ pacer }) => pacer);
    this.#patients = runs.map(({ patient }) => patient);
  }

  /** Works on all hosts, `--forks` at a time; the results stand in the inventory's order. */
  async each(work: (host: HostRun) => Promise<HostResult>): Promise<HostResult[]> {
    return forEachHost(this.hosts, this.#slots, work, this.#interruption.stop);
  }

  /** The same without a run of the playbook: `work` reaches each host itself. */
  async visit(work: (patient: Patient) => Promise<HostResult>): Promise<HostResult[]> {
    return forEachHost(this.#patients, this.#slots, work, this.#interruption.stop);
  }

  /** Aborted once the run is to end. */
  get stop(): AbortSignal {
    return this.#interruption.stop;
  }

  get interrupted(): boolean {
    return this.stop.aborted;
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
    await Promise.all(this.#pacers.map((pacer) => pacer.close()));
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
    this.#say(this.#text(result, diff, declined ? undefined : this.#given));
    if (this.#options.json) printResult(result);
    return code;
  }

  /** Prints what is going to be changed. */
  showPlan(hosts: readonly HostResult[], diff: boolean): void {
    const summary = summarize(hosts);
    this.#say(
      this.#text(
        { format: 'harden.result/1', version, command: this.command, exitCode: 2, summary, hosts },
        diff,
      ),
    );
  }

  #text(result: RunResult, diff: boolean, given?: Given): string {
    const report = { log: logReport, doctor: doctorReport }[result.command as string] ?? textReport;
    return report(result, {
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

  /** Pacing is a comfort: no run fails without it. */
  #withoutState(error: unknown): void {
    if (this.#toldOfState) return;
    this.#toldOfState = true;
    if (this.#options.verbose)
      this.#progress(`connections cannot be paced by what earlier runs did: ${message(error)}`);
  }

  #progress(line: string): void {
    if (!this.#options.quiet) this.#notice(line);
  }

  /** What nobody may miss. */
  #notice(line: string): void {
    process.stderr.write(`${this.paint('dim', oneLine(line))}\n`);
  }
}

/** For the next command. A variable's value may be a secret, so it is not repeated. */
function given(
  inventory: string,
  { playbook, tags, task, var: vars, limit, run }: CommonOptions & SessionOptions,
): Given {
  const flag = (name: string, values: readonly string[] = []) => values.flatMap((value) => [name, value]);
  return {
    inventory,
    choices: [
      ...flag('--playbook', playbook),
      ...flag('--tags', tags && [tags.join(',')]),
      ...flag('--task', task),
    ],
    variables: Object.keys(vars ?? {}),
    ...(limit === undefined ? {} : { limit }),
    ...(run === undefined ? {} : { run }),
  };
}
