import { randomBytes } from 'node:crypto';
import type { Facts } from '../probes/facts.ts';
import type { ChangeResult, HostResult, HostStatus, TaskResult, TaskStatus } from '../report/result.ts';
import { frames, script } from '../shell/frame.ts';
import type { Task } from '../tasks/task.ts';
import type { Output, RunOptions, Target, Transport } from '../transport/transport.ts';
import { TransportError } from '../transport/transport.ts';
import { describe } from './describe.ts';
import { confirmation, followScript, type Job, startScript } from './job.ts';
import { type Journal, readJournal } from './journal.ts';
import { judgeConvergence, judgeSteps, judgeUnseen, lastWord, type Outcome } from './judge.ts';
import { Inquiry, type Observations, observation } from './observe.ts';
import { type Decision, nextWave, type Pending, type Planned, plan, questionsOf } from './plan.ts';
import { compile } from './steps/compile.ts';
import { unsupported } from './supported.ts';

export interface HostOptions {
  /** Opens a new connection to the host; called once, and once more for each confirmation. */
  readonly connect: () => Promise<Transport>;
  /** Seconds the host waits for the confirming login. */
  readonly confirmTimeout: number;
  /** Who runs this, for whoever finds the host locked. */
  readonly holder: string;
  /** One line about what is under way. */
  readonly progress: (line: string) => void;
  /** Told what each look at the host has seen. */
  readonly looked?: (seen: Observations, facts: Facts) => void;
  readonly signal?: AbortSignal;
}

/** Seconds without a word after which a look is given up: each probe has 30. */
const LOOKING = 90;

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
  #underWay: readonly Pending[] = [];
  #planned: readonly Planned[] = [];
  /** What was shown of a task's change when it was first planned. */
  readonly #shown = new Map<string, readonly ChangeResult[]>();
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
      this.#settle(judgeUnseen(this.#underWay, 'the connection ended'));
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
    const unknown = unsupported(facts);
    if (unknown) {
      this.#failure = { status: 'failed', reason: `${this.target.name} ${unknown}. Nothing was changed.` };
      return;
    }
    this.#operator = facts.operator;
    this.#options.looked?.(seen, facts);
    this.#planned = plan(this.#tasks, seen, facts, prove);
    for (const { task, decision } of this.#planned) {
      if (decision.status === 'change' && !this.#shown.has(task.id)) {
        this.#shown.set(task.id, decision.changes.map(describe));
      }
    }
  }

  /** One job on the host. False if what follows cannot be applied. */
  async #applyWave(wave: readonly Pending[]): Promise<boolean> {
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
        reason: `${this.target.name} is being changed by another run${journal.locked && ` (${journal.locked})`}. ${this.#done()} Try again when that one is over.`,
      };
      return false;
    }
    if (journal.refused !== undefined) {
      this.#failure = {
        status: 'failed',
        reason: `${this.target.name} could not begin the run: ${journal.refused}. ${this.#done()}`,
      };
      return false;
    }
    const { confirmTimeout } = job;
    this.#settle(judgeSteps({ tasks: wave, steps, confirmTimeout }, journal));
    const seen = job.inquiry.read(journal.frames);
    if (!seen) {
      const undone = journal.guard === 'rolledback';
      this.#failure = {
        status: undone ? 'rolled-back' : 'failed',
        reason: `What the run on ${this.target.name} wrote of itself ends before its second look at the host, as where the host was restarted or the run was killed. ${undone ? 'The host undid the change that nobody had confirmed; what else was done stands.' : 'What it had done stands.'} Run harden check to see where the host is, and harden apply to finish.`,
      };
      this.#settle(judgeUnseen(wave, 'the run ended'));
      return false;
    }
    this.#plan(seen, true);
    this.#settle(judgeConvergence(wave, this.#planned));
    return ![...this.#outcomes.values()].some(
      ({ status }) => status === 'failed' || status === 'rolled-back',
    );
  }

  /** Follows a job to its end, confirming it when it waits; over a new connection if the first one is lost. */
  async #follow(job: Job): Promise<Journal> {
    const chunks: Buffer[] = [];
    let told = 0;
    let confirming: Promise<boolean> | undefined;
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
      // the same trouble may have kept the confirming login away: then the one to come tries again
      if (!(await confirming)) confirming = undefined;
      await this.close();
      chunks.length = 0;
      await this.#run(followScript(job.id), { onStdout });
    }
    await confirming;
    return read();
  }

  /** A new TCP connection, login and sudo: only that proves that the operator can still get in. */
  async #confirm(job: Job): Promise<boolean> {
    this.#options.progress('a new login has to confirm that you can still get in');
    let transport: Transport | undefined;
    try {
      transport = await this.#options.connect();
      const { stdout } = await transport.run(confirmation(job.id), { silence: job.confirmTimeout });
      const { guard } = readJournal(stdout, job.id, 0);
      this.#options.progress(
        guard === 'confirmed'
          ? 'a new login worked: you can still get in'
          : 'a new login worked, but too late: the host had undone the change already',
      );
      return true;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#options.progress(
        `no new login was possible (${error.reason}); the host undoes the change by itself`,
      );
      return false;
    } finally {
      if (transport) {
        this.#closedCounts.connections += transport.counts.connections;
        this.#closedCounts.execs += transport.counts.execs;
        await transport.close();
      } else this.#closedCounts.connections += 1;
    }
  }

  /** What this run has changed before it could go no further. */
  #done(): string {
    return this.#outcomes.size === 0
      ? 'Nothing was changed by it.'
      : 'What it had applied and proven before that stands.';
  }

  /** Why `apply` went no further. */
  #stopped(): string {
    const ends = new Map([
      ['failed', 'failed'],
      ['rolled-back', 'was undone'],
    ]);
    const [id, outcome] = [...this.#outcomes].find(([, { status }]) => ends.has(status)) ?? [];
    return outcome ? `${id} ${ends.get(outcome.status)}` : 'the run ended before it';
  }

  #settle(outcomes: ReadonlyMap<string, Outcome>): void {
    for (const [id, outcome] of outcomes) if (!this.#outcomes.has(id)) this.#outcomes.set(id, outcome);
  }

  #taskResult({ task, decision }: Planned, kind: 'check' | 'apply'): TaskResult {
    const known = this.#outcomes.get(task.id);
    const outcome = known && lastWord(known, decision);
    const [status, reason] = outcome
      ? [outcome.status, outcome.reason]
      : kind === 'check'
        ? found(decision)
        : notReached(decision, this.#stopped());
    return {
      id: task.id,
      type: task.type.type,
      name: task.name,
      status,
      reason,
      source: task.source,
      notes: decision.notes,
      changes: this.#shown.get(task.id) ?? [],
    };
  }
}

const newId = (): string => `${Date.now().toString(16).padStart(12, '0')}${randomBytes(6).toString('hex')}`;

/** What a look says of a task. */
function found(decision: Decision): [TaskStatus, string] {
  return [decision.status === 'change' ? 'drift' : decision.status, decision.reason];
}

/** What `apply` says of a task that it did not begin with. */
function notReached(decision: Decision, stopped: string): [TaskStatus, string] {
  return decision.status === 'change'
    ? ['skipped', `not applied, since ${stopped}: ${decision.reason}`]
    : found(decision);
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
