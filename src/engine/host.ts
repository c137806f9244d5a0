import type { Doors } from '../probes/doors.ts';
import type { Facts } from '../probes/facts.ts';
import { historyProbe } from '../probes/history.ts';
import { ownFoldersProbe } from '../probes/own-folders.ts';
import { absent, ask, type Observed, type Question } from '../probes/probe.ts';
import { type LatestRun, latestRunProbe } from '../probes/runs.ts';
import type { ChangeResult, HostResult, RunEntry, TaskResult } from '../report/result.ts';
import { ADVICE } from '../shell/own-folders.ts';
import type { Task } from '../tasks/task.ts';
import type { Target } from '../transport/transport.ts';
import { TransportError } from '../transport/transport.ts';
import { describe } from './describe.ts';
import { leftUnread } from './door.ts';
import { EarlierRun } from './earlier-run.ts';
import { type Followed, Follower, type FollowOptions, type Witness } from './follow.ts';
import { runsOf } from './history.ts';
import type { Holder } from './holder.ts';
import { type Job, newRunId, waveId } from './job.ts';
import { judgeConvergence, judgeSteps, judgeUnseen, lastWord, type Outcome, type Wave } from './judge.ts';
import { startScript } from './lay-down.ts';
import { type Connect, Line } from './line.ts';
import { look } from './look.ts';
import { Inquiry, type Observations } from './observe.ts';
import { cutsOffIn, DOORS, nextWave, type Pending, type Planned, plan, questionsOf } from './plan.ts';
import { remembered } from './remember.ts';
import { compile } from './steps/compile.ts';
import { unsupported } from './supported.ts';
import {
  cutShort,
  doorsUnseen,
  type Failure,
  found,
  goesOn,
  hostStatus,
  notReached,
  refusalOf,
  stands,
  stoppedBy,
  unfinishedRun,
  unproven,
} from './told.ts';

const HISTORY = ask(historyProbe, 'all' as const);

export interface HostOptions {
  /** Opens a new connection to the host. */
  readonly connect: Connect;
  /** What the host's history calls this run. */
  readonly command: 'apply' | 'rollback';
  /** Seconds the host waits for the confirming login. */
  readonly confirmTimeout: number;
  /** Who runs this, for whoever finds the host locked. */
  readonly holder: Holder;
  /** One line about what is under way. */
  readonly progress: (line: string) => void;
  /** Told what each look at the host has seen. */
  readonly looked?: (seen: Observations, facts: Facts) => void;
  /** The operator wants the run to end: looking ends at once, a job with the step that it is at. */
  readonly stop?: AbortSignal | undefined;
  /** The operator wants to leave at once. */
  readonly leave?: AbortSignal | undefined;
  /** Says that a login works, where the host is this machine itself and somebody can be asked. */
  readonly witness?: Exclude<Witness, 'nobody'> | undefined;
  /** Waits before a lost connection is made anew (default: as long as it is told). */
  readonly pause?: FollowOptions['pause'];
}

/**
 * One host of one run: observed in one round trip, planned, applied in waves, observed again. It holds its connection
 * between `check` and `apply`, so that looking and doing cost one login.
 */
export class HostRun {
  readonly target: Target;
  readonly #tasks: readonly Task[];
  readonly #options: HostOptions;
  readonly #started = Date.now();
  readonly #line: Line;
  readonly #run = newRunId();
  #waves = 0;
  #latest: LatestRun | undefined;
  #runs: readonly RunEntry[] | undefined;
  readonly #notes: string[] = [];
  readonly #earlier: EarlierRun;
  #applying = false;
  #following: Follower | undefined;
  /** What was laid down and has not been judged. */
  #underWay: Pick<Wave, 'tasks' | 'steps'> | undefined;
  #planned: readonly Planned[] = [];
  /** What lets people in, as the plan has it. */
  #doors: Observed<Doors> = absent;
  /** What was shown of a task's change when it was first planned. */
  readonly #shown = new Map<string, readonly ChangeResult[]>();
  readonly #outcomes = new Map<string, Outcome>();
  #failure: Failure | undefined;
  /** The address that the host sees this run come from. */
  #operator = '';

  constructor(target: Target, tasks: readonly Task[], options: HostOptions) {
    this.target = target;
    this.#tasks = tasks;
    this.#options = options;
    this.#line = new Line(options.connect);
    this.#earlier = new EarlierRun({
      host: target.name,
      who: options.holder.who,
      progress: options.progress,
      note: (line) => this.#notes.push(line),
      follow: (job, script) => this.#follower(job).follow(script),
      look: async () => {
        await this.#look(true);
        return this.#latest;
      },
      history: async () => {
        const waves = (await this.#observe([HISTORY])).get(HISTORY);
        return waves.state === 'present' ? waves.value : [];
      },
      run: async (script) => (await this.#line.run(script, { silence: 60 })).code === 0,
    });
  }

  /** Looks at everything in one round trip and plans. `prove` also runs the proofs. */
  async check(prove: boolean): Promise<HostResult> {
    await this.#try(async () => {
      await this.#look(prove);
      this.#earlier.found(this.#latest);
    });
    return this.result('check');
  }

  /** As `check` with proofs, before `apply`: a run that another program began here and left behind is followed to its end first. */
  async prepare(): Promise<HostResult> {
    await this.#try(async () => {
      await this.#look(true);
      if (this.#failure) return;
      const failure = await this.#earlier.finish(this.#latest);
      if (failure) this.#failure = failure;
      if (this.#failure || this.#planned.some(({ decision }) => decision.status !== 'ok')) return;
      await this.#earlier.settle(this.#planned.map(({ task }) => task.id));
    });
    return this.result('check');
  }

  /** The runs that the host remembers. */
  async log(): Promise<HostResult> {
    await this.#try(async () => {
      const seen = await this.#observe([HISTORY]);
      if (this.#failure) return;
      const waves = seen.get(HISTORY);
      if (waves.state === 'unreadable') {
        this.#failure = {
          status: 'failed',
          reason: `What ${this.target.name} remembers of its runs cannot be read (${waves.why}).`,
        };
      } else this.#runs = runsOf(waves.state === 'present' ? waves.value : [], this.#latest);
    });
    return this.result('check');
  }

  async #look(prove: boolean): Promise<void> {
    this.#plan(await this.#observe(questionsOf(this.#tasks, prove)), prove);
  }

  /** One round trip. */
  async #observe(questions: readonly Question<unknown>[]): Promise<Observations> {
    const folders = ask(ownFoldersProbe, 'own-folders' as const);
    const inquiry = new Inquiry([...questions, ask(latestRunProbe, 'latest' as const), folders]);
    const { stop } = this.#options;
    const seen = await look(this.target.name, inquiry, this.#line, {
      ...(stop && { signal: stop }),
    });
    const own = seen.get(folders);
    if (own.state === 'present' && own.value.wrong !== undefined) {
      this.#failure = {
        status: 'failed',
        reason: `${this.target.name} cannot be trusted with what harden keeps there: ${own.value.wrong}. ${ADVICE}. Nothing was changed.`,
      };
    }
    const latest = seen.get(ask(latestRunProbe, 'latest' as const));
    this.#latest = latest.state === 'present' ? latest.value : undefined;
    if (latest.state === 'unreadable') {
      this.#notes.push(
        `whether another run is at work there, or was cut off, could not be seen (${latest.why})`,
      );
    }
    return seen;
  }

  /** Something is left that `apply` would do. */
  get pending(): boolean {
    return !this.#failure && nextWave(this.#planned).length > 0;
  }

  /** Applies what `check` planned, wave by wave, until nothing is left to do or something stands in the way. */
  async apply(): Promise<HostResult> {
    this.#applying = true;
    await this.#try(async () => {
      while (!this.#failure && !this.#options.stop?.aborted) {
        const wave = nextWave(this.#planned).filter(({ task }) => !this.#outcomes.has(task.id));
        if (wave.length === 0) break;
        const settled = await this.#applyWave(wave);
        if (!settled) break;
      }
    });
    return this.result('apply');
  }

  async close(): Promise<void> {
    await this.#line.close();
  }

  /** The result as it is known now; `apply` judges what was changed, `check` what is pending. */
  result(kind: 'check' | 'apply'): HostResult {
    const tasks = this.#planned.map((planned) => this.#taskResult(planned, kind));
    const { connections, execs } = this.#line.counts;
    return {
      name: this.target.name,
      address: this.target.address,
      status: hostStatus(tasks, this.#failure?.status),
      ...(this.#failure ? { reason: this.#failure.reason } : {}),
      notes: [
        ...this.#notes,
        ...doorsUnseen(this.#doors),
        ...(this.#waves === 0 ? unfinishedRun(this.#earlier.told, this.#planned) : []),
        ...(this.target.connection === 'local' ? unproven(this.#planned) : []),
      ],
      ...(this.#runs ? { runs: this.#runs } : {}),
      roundTrips: execs,
      connections,
      durationMs: Date.now() - this.#started,
      tasks,
    };
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (this.#underWay && this.#following?.sent)
        this.#settle(judgeUnseen(this.#underWay, this.#following.heard, 'the connection ended'));
      this.#failure = this.#applying
        ? { status: 'failed', reason: `${error.message} ${this.#left()}` }
        : this.#earlier.lost(error.message);
    }
  }

  /** What becomes of the host where nobody follows this run any more. */
  #left(): string {
    if (!this.#following?.sent) return stands(this.#outcomes.size > 0);
    const follows = this.#planned.some(
      ({ task, decision: { status } }) =>
        !this.#outcomes.has(task.id) && (status === 'change' || status === 'unknown'),
    );
    const commands = this.#underWay?.tasks.some(({ decision: { changes } }) =>
      changes.some((change) => change.kind === 'run-command' && change.guarded),
    );
    return goesOn('this run', follows ? 'what was to follow waits for the next harden apply' : undefined, {
      commands: commands ?? false,
    });
  }

  #plan(seen: Observations, prove: boolean): void {
    const known = seen.facts;
    if (known.state !== 'present') {
      this.#failure = {
        status: 'failed',
        reason: `${this.target.name} did not say what it is (${known.state === 'unreadable' ? known.why : known.state}). ${this.#applying ? 'What the run had done stands, and nobody has seen it.' : 'Nothing was changed.'} Look at its load and its disks, then try again.`,
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
    this.#doors = seen.get(DOORS);
    for (const { task, decision } of this.#planned) {
      if (decision.status === 'change' && !this.#shown.has(task.id)) {
        this.#shown.set(task.id, decision.changes.map(describe));
      }
    }
  }

  /** One job on the host. False if what follows cannot be applied. */
  async #applyWave(wave: readonly Pending[]): Promise<boolean> {
    const { command, confirmTimeout, holder } = this.#options;
    const { steps, guarded } = compile(
      wave.map(({ task, decision }) => ({ task, ...decision })),
      {
        cutsOff: cutsOffIn(this.#planned, this.#doors),
        leftUnread: (all) => leftUnread(all, this.#doors),
      },
    );
    const job: Job = {
      run: this.#run,
      id: waveId(this.#run, this.#waves++),
      steps,
      guarded,
      operator: this.#operator,
      confirmTimeout,
      inquiry: new Inquiry(questionsOf(this.#tasks, true)),
      holder,
      plan: remembered(command, wave, steps),
    };
    const laid: Wave = { tasks: wave, steps, confirmTimeout };
    this.#underWay = laid;
    const titles = steps.map((step) => step.title);
    const follower = this.#follower({ id: job.id, titles });
    const journal = await follower.follow(startScript(job));
    this.#underWay = undefined;
    const refusal = refusalOf(journal, {
      host: this.target.name,
      who: holder.who,
      applied: this.#outcomes.size > 0,
      reconnected: follower.reconnected,
    });
    const seen = job.inquiry.read(journal.frames);
    // of a job that nobody could follow to its end the journal says only how far it was heard
    if (!refusal) this.#settle(judgeSteps(laid, journal));
    if (refusal || !seen) {
      const ending = refusal ?? cutShort(journal, this.target.name);
      this.#failure = ending;
      if (ending.unseen) this.#settle(judgeUnseen(laid, journal, ending.unseen));
      return false;
    }
    this.#plan(seen, true);
    if (this.#failure) {
      this.#settle(judgeUnseen(laid, journal, 'the second look failed'));
      return false;
    }
    this.#settle(judgeConvergence(wave, this.#planned, journal));
    return ![...this.#outcomes.values()].some(
      ({ status }) => status === 'failed' || status === 'rolled-back',
    );
  }

  #follower(job: Followed): Follower {
    const { confirmTimeout, progress, stop, leave, pause } = this.#options;
    const witness: Witness | undefined =
      this.target.connection === 'local' ? (this.#options.witness ?? 'nobody') : undefined;
    const options = { line: this.#line, confirmTimeout, progress, witness, stop, leave, pause };
    this.#following = new Follower(job, options);
    return this.#following;
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
        : notReached(decision, stoppedBy(this.#outcomes, this.#options.stop?.aborted ?? false));
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
