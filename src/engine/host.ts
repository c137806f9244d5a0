import { randomBytes } from 'node:crypto';
import type { ChangeResult, HostResult, HostStatus, TaskResult, TaskStatus } from '../report/result.ts';
import { frames, script } from '../shell/frame.ts';
import type { Task } from '../tasks/task.ts';
import type { Output, RunOptions, Target, Transport } from '../transport/transport.ts';
import { TransportError } from '../transport/transport.ts';
import { describe } from './describe.ts';
import { confirmation, followScript, type Job, startScript } from './job.ts';
import { type Journal, readJournal } from './journal.ts';
import { Inquiry, type Observations, observation } from './observe.ts';
import { type Decision, nextWave, type Planned, plan, questionsOf } from './plan.ts';
import { compile } from './steps/compile.ts';

export interface HostOptions {
  /** Opens a new connection to the host; called once, and once more for each confirmation. */
  readonly connect: () => Promise<Transport>;
  /** Seconds the host waits for the confirming login. */
  readonly confirmTimeout: number;
  /** Who runs this, for whoever finds the host locked. */
  readonly holder: string;
  /** One line about what is under way. */
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Seconds without a word after which a look is given up: each probe has 30. */
const LOOKING = 90;

type Outcome = { readonly status: 'changed' | 'failed' | 'rolled-back' | 'skipped'; readonly reason: string };

/**
 * One host of one run: observed in one round trip, planned, applied in waves, observed again. It holds its connection
 * between `check` and `apply`, so that looking and doing cost one login.
 */
export class HostRun {
  readonly target: Target;
  readonly #tasks: readonly Task[];
  readonly #options: HostOptions;
  readonly #started = Date.now();
  #transport: Transport | undefined;
  #closedCounts = { connections: 0, execs: 0 };
  #applying = false;
  /** The tasks whose job was laid down and has not been judged. */
  #underWay: readonly Planned[] = [];
  #planned: readonly Planned[] = [];
  /** What was shown of a task's change when it was first planned, and what became of it. */
  readonly #shown = new Map<string, { reason: string; changes: readonly ChangeResult[] }>();
  readonly #outcomes = new Map<string, Outcome>();
  #failure: { status: HostStatus; reason: string } | undefined;
  /** The address that the host sees this run come from. */
  #operator = '';

  constructor(target: Target, tasks: readonly Task[], options: HostOptions) {
    this.target = target;
    this.#tasks = tasks;
    this.#options = options;
  }

  /** Looks at everything in one round trip and plans. `prove` also runs the proofs. */
  async check(prove: boolean): Promise<HostResult> {
    await this.#try(async () => {
      const inquiry = new Inquiry(questionsOf(this.#tasks, prove));
      const nonce = newId();
      const output = await this.#run(script(observation(inquiry, nonce)), { silence: LOOKING });
      this.#plan(this.#read(inquiry, frames(output.stdout, nonce), output), prove);
    });
    return this.result('check');
  }

  /** Something is left that `apply` would do. */
  get pending(): boolean {
    return !this.#failure && nextWave(this.#planned).length > 0;
  }

  /** Applies what `check` planned, wave by wave, until nothing is left to do or something stands in the way. */
  async apply(): Promise<HostResult> {
    this.#applying = true;
    await this.#try(async () => {
      while (!this.#failure) {
        const wave = nextWave(this.#planned).filter(({ task }) => !this.#outcomes.has(task.id));
        if (wave.length === 0) break;
        const settled = await this.#applyWave(wave);
        if (!settled) break;
      }
    });
    return this.result('apply');
  }

  async close(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    if (!transport) return;
    this.#closedCounts.connections += transport.counts.connections;
    this.#closedCounts.execs += transport.counts.execs;
    await transport.close();
  }

  /** The result as it is known now; `apply` judges what was changed, `check` what is pending. */
  result(kind: 'check' | 'apply'): HostResult {
    const tasks = this.#planned.map((planned) => this.#taskResult(planned, kind));
    const counts = this.#transport?.counts ?? { connections: 0, execs: 0 };
    return {
      name: this.target.name,
      address: this.target.address,
      status: this.#failure?.status ?? hostStatus(tasks),
      ...(this.#failure ? { reason: this.#failure.reason } : {}),
      roundTrips: this.#closedCounts.execs + counts.execs,
      connections: this.#closedCounts.connections + counts.connections,
      durationMs: Date.now() - this.#started,
      tasks,
    };
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const [status, state] = this.#applying
        ? ([
            'failed',
            'If its run had begun, it goes on there by itself and undoes what nobody confirms; harden check says where the host is.',
          ] as const)
        : (['unreachable', 'Nothing was changed there.'] as const);
      this.#failure = { status, reason: `${error.message} ${state}` };
      for (const { task } of this.#underWay) {
        this.#outcomes.set(task.id, {
          status: 'failed',
          reason: 'it was being applied when the connection ended; harden check says what became of it',
        });
      }
    }
  }

  async #run(text: string, options: RunOptions): Promise<Output> {
    this.#transport ??= await this.#options.connect();
    const { signal } = this.#options;
    return this.#transport.run(text, { ...options, ...(signal ? { signal } : {}) });
  }

  #read(inquiry: Inquiry, found: ReturnType<typeof frames>, output: Output): Observations {
    const seen = inquiry.read(found);
    if (seen) return seen;
    const said = output.stderr.toString().trim().split('\n').at(-1);
    throw new TransportError(
      'lost',
      this.target.name,
      `${this.target.name} did not finish answering (exit status ${output.code}${said ? `: ${said}` : ''}). Try again; if it stays so, log in by hand and run: sudo true`,
    );
  }

  #plan(seen: Observations, prove: boolean): void {
    const known = seen.facts;
    if (known.state !== 'present') {
      this.#failure = {
        status: 'failed',
        reason: `${this.target.name} did not say what it is (${known.state === 'unreadable' ? known.why : known.state}). Nothing was changed. Look at its load and its disks, then try again.`,
      };
      return;
    }
    const facts = known.value;
    if (!SUPPORTED.has(facts.distribution) || !facts.systemd) {
      const what = facts.systemd
        ? `${facts.distribution} ${facts.release}`
        : `${facts.distribution} without systemd`;
      this.#failure = {
        status: 'failed',
        reason: `${this.target.name} runs ${what}, which is not supported (Debian and Ubuntu with systemd are). Nothing was changed.`,
      };
      return;
    }
    this.#operator = facts.operator;
    this.#planned = plan(this.#tasks, seen, facts, prove);
    for (const { task, decision } of this.#planned) {
      if (decision.status === 'change' && !this.#shown.has(task.id)) {
        this.#shown.set(task.id, { reason: decision.reason, changes: decision.changes.map(describe) });
      }
    }
  }

  /** One job on the host. False if what follows cannot be applied. */
  async #applyWave(wave: ReturnType<typeof nextWave>): Promise<boolean> {
    const steps = compile(wave.map(({ task, decision }) => ({ task, ...decision })));
    const job: Job = {
      id: newId(),
      steps,
      guarded: wave.flatMap(({ decision }) =>
        decision.guarded
          ? decision.changes.filter(({ kind }) => kind === 'load-rules' || kind === 'run-command')
          : [],
      ),
      operator: this.#operator,
      confirmTimeout: this.#options.confirmTimeout,
      inquiry: new Inquiry(questionsOf(this.#tasks, true)),
      holder: this.#options.holder,
    };
    this.#underWay = wave;
    const journal = await this.#follow(job);
    this.#underWay = [];
    if (journal.locked !== undefined) {
      this.#failure = {
        status: 'locked',
        reason: `${this.target.name} is being changed by another run${journal.locked && ` (${journal.locked})`}. This run changed nothing; try again when that one is over.`,
      };
      return false;
    }
    if (journal.refused !== undefined) {
      this.#failure = {
        status: 'failed',
        reason: `${this.target.name} could not begin the run: ${journal.refused}. Nothing was changed by it.`,
      };
      return false;
    }
    this.#judgeSteps(wave, job, journal);
    const seen = job.inquiry.read(journal.frames);
    if (!seen) {
      const undone = journal.guard === 'rolledback';
      this.#failure = {
        status: undone ? 'rolled-back' : 'failed',
        reason: `The run on ${this.target.name} ended before it could look at the host again. ${undone ? 'The host undid the change that nobody had confirmed; what else was done stands.' : 'What it had done stands.'} Run harden check to see where the host is, and harden apply to finish.`,
      };
      return false;
    }
    this.#plan(seen, true);
    this.#judgeConvergence(wave);
    return ![...this.#outcomes.values()].some(
      ({ status }) => status === 'failed' || status === 'rolled-back',
    );
  }

  /** Follows a job to its end, confirming it when it waits; over a new connection if the first one is lost. */
  async #follow(job: Job): Promise<Journal> {
    const chunks: Buffer[] = [];
    let told = 0;
    let confirming: Promise<void> | undefined;
    const read = () => readJournal(Buffer.concat(chunks), job.id, job.steps.length);
    const onStdout = (chunk: Buffer) => {
      chunks.push(chunk);
      const journal = read();
      const begun = journal.steps.findLastIndex(({ state }) => state !== 'not-run');
      for (; told <= begun; told++) this.#options.progress(job.steps[told]!.title);
      if (journal.guard === 'waiting') confirming ??= this.#confirm(job);
    };
    try {
      await this.#run(startScript(job), { onStdout });
    } catch (error) {
      if (!(error instanceof TransportError) || error.reason === 'interrupted' || chunks.length === 0)
        throw error;
      this.#options.progress('the connection was lost; the host goes on by itself, connecting again');
      await confirming;
      await this.close();
      chunks.length = 0;
      await this.#run(followScript(job.id), { onStdout });
    }
    await confirming;
    return read();
  }

  /** A new TCP connection, login and sudo: only that proves that the operator can still get in. */
  async #confirm(job: Job): Promise<void> {
    this.#options.progress('a new login has to confirm that you can still get in');
    let transport: Transport | undefined;
    try {
      transport = await this.#options.connect();
      const { stdout } = await transport.run(confirmation(job.id));
      const { guard } = readJournal(stdout, job.id, 0);
      this.#options.progress(
        guard === 'confirmed'
          ? 'a new login worked: you can still get in'
          : 'a new login worked, but too late: the host had undone the change already',
      );
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#options.progress(
        `no new login was possible (${error.reason}); the host undoes the change by itself`,
      );
    } finally {
      if (transport) {
        this.#closedCounts.connections += transport.counts.connections;
        this.#closedCounts.execs += transport.counts.execs;
        await transport.close();
      } else this.#closedCounts.connections += 1;
    }
  }

  #judgeSteps(wave: ReturnType<typeof nextWave>, job: Job, journal: Journal): void {
    const rolledBack = journal.guard === 'rolledback';
    for (const { task, decision } of wave) {
      const mine = job.steps.flatMap((step, index) =>
        step.tasks.includes(task.id) ? [{ step, state: journal.steps[index]! }] : [],
      );
      const failed = mine.find(({ state }) => state.state === 'failed');
      if (failed?.state.state === 'failed') {
        const { output, status } = failed.state;
        this.#outcomes.set(task.id, {
          status: 'failed',
          reason: `${failed.step.title} failed: ${lastLines(output) || `exit status ${status}`}`,
        });
      } else if (decision.guarded && rolledBack) {
        this.#outcomes.set(task.id, {
          status: 'rolled-back',
          reason: `no new login was possible after it within ${job.confirmTimeout} s, so the host undid it: ${this.#shown.get(task.id)?.reason ?? decision.reason}`,
        });
      } else if (mine.some(({ state }) => state.state !== 'done')) {
        this.#outcomes.set(task.id, {
          status: 'skipped',
          reason: 'an earlier step failed, so it was not applied',
        });
      }
    }
  }

  /** Applied means proven: only the second observation says that a task is done. */
  #judgeConvergence(wave: ReturnType<typeof nextWave>): void {
    for (const { task } of wave) {
      if (this.#outcomes.has(task.id)) continue;
      const decision = this.#planned.find((planned) => planned.task.id === task.id)?.decision;
      const shown = this.#shown.get(task.id);
      this.#outcomes.set(
        task.id,
        decision?.status === 'ok'
          ? { status: 'changed', reason: shown?.reason ?? decision.reason }
          : {
              status: 'failed',
              reason: `it was applied, but the host still says: ${decision?.reason ?? 'nothing'}`,
            },
      );
    }
  }

  #taskResult({ task, decision }: Planned, kind: 'check' | 'apply'): TaskResult {
    const outcome = this.#outcomes.get(task.id);
    const shown = this.#shown.get(task.id);
    const [status, reason] = outcome ? [outcome.status, outcome.reason] : statusOf(decision, kind);
    return {
      id: task.id,
      type: task.type.type,
      name: task.name,
      status,
      reason,
      source: task.source,
      notes: decision.notes,
      changes: shown?.changes ?? [],
    };
  }
}

/** Distributions whose files and tools are known. */
const SUPPORTED = new Set(['debian', 'ubuntu']);

const newId = (): string => `${Date.now().toString(16).padStart(12, '0')}${randomBytes(6).toString('hex')}`;

/** The end of what a failed step printed: enough for the words of a tool above the one of its caller. */
const lastLines = (output: string): string => output.trim().split('\n').slice(-6).join(' / ');

function statusOf(decision: Decision, kind: 'check' | 'apply'): [TaskStatus, string] {
  if (decision.status !== 'change') return [decision.status, decision.reason];
  // a change that apply did not get to
  return kind === 'check' ? ['drift', decision.reason] : ['skipped', `not applied: ${decision.reason}`];
}

function hostStatus(tasks: readonly TaskResult[]): HostStatus {
  const has = (...statuses: TaskStatus[]) => tasks.some(({ status }) => statuses.includes(status));
  if (has('failed', 'blocked')) return 'failed';
  if (has('rolled-back')) return 'rolled-back';
  if (has('skipped')) return 'failed';
  if (has('changed')) return 'changed';
  if (has('drift', 'unknown')) return 'drift';
  return 'ok';
}
