import { setTimeout as sleep } from 'node:timers/promises';
import { IN_SHORT } from '../transport/errors.ts';
import { type Output, type RunOptions, TransportError } from '../transport/transport.ts';
import { confirmation, followScript } from './follow-scripts.ts';
import { type Journal, readJournal } from './journal.ts';
import type { Line } from './line.ts';

export interface FollowOptions {
  readonly line: Line;
  /** Seconds the host waits for the confirming login. */
  readonly confirmTimeout: number;
  /** One line about what is under way. */
  readonly progress: (line: string) => void;
  /** Instead of a new login. */
  readonly witness?: Witness | undefined;
  /** The operator wants the run to end: the job finishes its step and undoes what is not confirmed. */
  readonly stop?: AbortSignal | undefined;
  /** The operator wants to leave at once. */
  readonly leave?: AbortSignal | undefined;
  /** Waits, unless the operator wants something else. */
  readonly pause?: ((seconds: number, leave: AbortSignal | undefined) => Promise<void>) | undefined;
}

/**
 * Who says that a login works, where the tool cannot try one: nobody logs in to this machine itself. A person is asked, who has
 * so many seconds and gives it up with the signal.
 */
export type Witness = 'nobody' | ((seconds: number, signal: AbortSignal | undefined) => Promise<boolean>);

/** A job on the host, by what has to be known to follow it. */
export interface Followed {
  readonly id: string;
  /** What its steps do, for progress; none of a job that another run has laid down. */
  readonly titles: readonly string[];
  /** It is only undone, or over: a wait that its journal tells of is not one that a login could end. */
  readonly over?: boolean;
}

/** Seconds before the line is tried again, where nothing says how long it will be down: a host may be starting anew. */
const RETRY = [1, 30] as const;
/** Seconds before a confirming login that the network cut is tried again. */
const AGAIN = 2;
/** Seconds that the session which confirms is left, once a person has said that a login works. */
const CONFIRMING = 5;
/** Connections that trouble may cost beside those of a run that nothing disturbs. */
const SPARE = 2;
/** Seconds that the host has, after its deadline, to undo. */
const GRACE = 4;
/** The same where a step hangs, which the host ends first. */
const HANGING_GRACE = 8;

/**
 * Follows a job to its end, confirming it when it waits, and over a new connection if the line is lost. At most two
 * connections in a run that nothing disturbs, and two more to find out what became of one; a third where a step hangs that shut the host
 * before any login was to confirm it.
 */
export class Follower {
  readonly #options: FollowOptions;
  readonly #job: Followed;
  #chunks: Buffer[] = [];
  #told = 0;
  #confirming: Promise<boolean> | undefined;
  #spare = SPARE;
  /** The line is down, and what follows tries it again. */
  #down = false;
  /** When the host came to what it guards, and when it began to wait, by the clock of this machine. */
  #guardedSince: number | undefined;
  #waitingSince: number | undefined;
  /** It was waited for until the host undoes a step that hangs. */
  #outwaited = false;
  /** Unless it certainly never reached the host. */
  #sent = true;
  /** Why the first login that was to confirm did not. */
  #keptOut: string | undefined;
  /** The witness did not say that a login works. */
  readonly #denied = new AbortController();
  /** Why the login that was to confirm worked, and yet did not confirm. */
  #late: string | undefined;
  /** The line that is held was opened while the host waited. */
  #proven = false;

  constructor(job: Followed, options: FollowOptions) {
    this.#job = job;
    this.#options = options;
  }

  /** The job may have begun. */
  get sent(): boolean {
    return this.#sent;
  }

  /** The line was lost, and the host may not have been there when it was opened again. */
  get reconnected(): boolean {
    return this.#down;
  }

  /** What the host has said of the job until now. */
  get heard(): Journal {
    return readJournal(Buffer.concat(this.#chunks), this.#job.id, this.#job.titles.length);
  }

  /** Runs `script`, which lays the job down or follows one, and comes back with the whole journal. */
  async follow(script: string): Promise<Journal> {
    try {
      await this.#options.line.run(script, this.#listening());
    } catch (error) {
      if (!(error instanceof TransportError) || error.reason === 'interrupted') throw error;
      this.#sent = this.#chunks.length > 0 || (error.reason === 'lost' && !error.unsent);
      // a host that nothing came through to has no job to follow
      if (error.reason !== 'lost' && this.#chunks.length === 0) throw error;
      this.#down = true;
      await this.#reconnect(error, script);
    }
    await this.#confirming;
    const why = {
      ...(this.#keptOut && { keptOut: this.#keptOut }),
      ...(this.#late && { late: this.#late }),
      ...(this.#denied.signal.aborted && { denied: true as const }),
    };
    return { ...this.heard, ...why };
  }

  /** The line was lost; the host goes on by itself. `start` is sent again only if the host cannot have got it. */
  async #reconnect(lost: TransportError, start: string): Promise<void> {
    const { line, progress, stop, leave, pause = sleepUnless } = this.#options;
    const since = Date.now();
    let last = lost;
    for (;;) {
      // whoever shows another key is not waited for
      const waits = this.#spare === 0 && !last.reason.startsWith('host-key');
      const hanging = waits ? this.#hanging() : undefined;
      if (this.#spare === 0 && hanging === undefined) throw last;
      // the same trouble may have kept the confirming login away: then the one to come tries again
      const shutOut = (await this.#confirming) === false;
      if (shutOut) this.#confirming = undefined;
      await line.close();
      if (hanging === undefined) this.#spare--;
      else this.#outwaited = true;
      const seconds = Math.ceil(hanging ?? this.#patience(last !== lost, shutOut, since));
      const goesOn =
        this.#chunks.length > 0 ? '; the host goes on by itself' : ' before the host had answered';
      progress(
        hanging === undefined
          ? `the connection was lost${goesOn}, connecting again${seconds > 1 ? ` in ${seconds} s` : ''}`
          : `nobody gets in yet: a step may hang there, which the host ends and undoes within ${seconds} s; connecting again then`,
      );
      // who wants the run to end meanwhile has it told so at once
      const ends = [leave, stop?.aborted ? undefined : stop].filter((signal) => signal !== undefined);
      // safe, here and below: made of no signal it never aborts, and Node keeps it as long as its sources live, but a run makes only a handful
      await pause(seconds, AbortSignal.any(ends));
      // a login that is made while the host waits proves as much as any other
      this.#proven = this.#waitingSince !== undefined;
      const before = this.#chunks;
      this.#chunks = [];
      try {
        await line.run(this.#sent ? followScript(this.#job.id) : start, this.#listening());
        return;
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        this.#sent ||= error.reason === 'interrupted' || (error.reason === 'lost' && !error.unsent);
        if (this.#chunks.length === 0) this.#chunks = before;
        if (error.reason === 'interrupted') throw error;
        last = error;
      }
    }
  }

  /**
   * Seconds before the line is tried again. Where nobody gets in the host has to undo first: the first try may find that it
   * was but the network, the second comes when the window is over.
   */
  #patience(tried: boolean, shutOut: boolean, lostAt: number): number {
    const { heard } = this;
    if (!isUnderWay(heard) && heard.guard !== 'waiting') return RETRY[tried ? 1 : 0];
    const window = this.#options.confirmTimeout + GRACE;
    const left = Math.max(1, window - (Date.now() - (this.#waitingSince ?? lostAt)) / 1000);
    if (tried) return left;
    if (!shutOut) return RETRY[0];
    return left > 20 ? left / 3 : left;
  }

  /** Seconds until the host has undone a guarded step that hangs; undefined if none can, or it was waited for. */
  #hanging(): number | undefined {
    const { heard } = this;
    if (!isUnderWay(heard) || heard.limit === undefined || this.#outwaited) return undefined;
    return Math.max(
      1,
      heard.limit + HANGING_GRACE - (Date.now() - (this.#guardedSince ?? Date.now())) / 1000,
    );
  }

  #listening() {
    const { progress, stop, leave } = this.#options;
    const { titles } = this.#job;
    return {
      ...(leave && { signal: leave }),
      stop: AbortSignal.any([this.#denied.signal, ...(stop ? [stop] : [])]),
      onStdout: (chunk: Buffer) => {
        this.#chunks.push(chunk);
        const journal = this.heard;
        const begun = journal.steps.findLastIndex(({ state }) => state !== 'not-run');
        for (; this.#told <= begun; this.#told++) progress(titles[this.#told]!);
        if (journal.limit !== undefined) this.#guardedSince ??= Date.now();
        if (journal.guard !== 'waiting' || stop?.aborted || this.#job.over) return;
        this.#confirming ??= this.#confirm();
        this.#waitingSince ??= Date.now();
      },
    };
  }

  /** A new TCP connection, login and sudo: only that proves that the operator can still get in. */
  async #confirm(): Promise<boolean> {
    const { line, progress, confirmTimeout, witness, stop, leave, pause = sleepUnless } = this.#options;
    const { asks, worked } = typeof witness === 'function' ? SAID.person : SAID[witness ?? 'login'];
    const began = performance.now();
    // seconds within which the session that confirms has to begin
    const early = confirmTimeout - CONFIRMING;
    progress(asks);
    if (typeof witness === 'function' && !(await witness(early, stop))) {
      if (!stop?.aborted) this.#denied.abort();
      return false;
    }
    try {
      const script = confirmation(this.#job.id);
      const options = { silence: confirmTimeout, ...(leave && { signal: leave }) };
      const { stdout } = this.#proven
        ? await this.#beside(script, options)
        : await line.runAnew(script, options);
      const { guard } = readJournal(stdout, this.#job.id, 0);
      if (guard === 'rolledback' && this.#keptOut === undefined) {
        // one that was quick and yet too late began too late
        this.#late ??=
          performance.now() - began < early * 1000
            ? 'none was tried in time, as where harden was stopped meanwhile or this machine slept'
            : 'the first that worked came too late';
      }
      progress(
        guard === 'confirmed'
          ? worked
          : guard === 'rolledback'
            ? 'a new login worked, but after the host had undone the change'
            : 'a new login worked, but nothing could be confirmed there (is its disk read-only?); the host undoes the change by itself',
      );
      return true;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      // cut in its middle while the held one goes on: nobody was refused, so it was the network
      if (error.reason === 'lost' && this.#spare === SPARE) {
        await pause(AGAIN, leave);
        if (!this.#down) {
          this.#spare--;
          return this.#confirm();
        }
      }
      this.#keptOut ??= IN_SHORT[error.reason];
      progress(
        `no new login was possible (${IN_SHORT[error.reason]}); the host undoes the change by itself, unless a later one gets through in time`,
      );
      return false;
    }
  }

  /** Over the line that is held, or a new one where the host allows one session a connection. */
  async #beside(script: string, options: RunOptions): Promise<Output> {
    const { line } = this.#options;
    try {
      return await line.run(script, options);
    } catch (error) {
      if (!(error instanceof TransportError) || error.reason === 'interrupted') throw error;
      return line.runAnew(script, options);
    }
  }
}

/** Guarded steps may be under way. */
const isUnderWay = ({ guard, limit }: Journal): boolean =>
  guard === 'armed' || (guard === 'none' && limit !== undefined);

/** What is said while the host waits, and once it is confirmed. */
const SAID = {
  login: {
    asks: 'a new login has to confirm that you can still get in',
    worked: 'a new login worked: you can still get in',
  },
  person: {
    asks: 'you have to confirm that a login from elsewhere still works',
    worked: 'you can still get in, as you say',
  },
  nobody: {
    asks: 'nobody logs in to this machine itself: that a login from elsewhere still works is not proven',
    worked: 'confirmed by a new session on this machine, as nobody was to be asked',
  },
} as const;

async function sleepUnless(seconds: number, leave: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { ...(leave && { signal: leave }) });
  } catch {
    // the connection that comes next is given up by the same signal
  }
}
