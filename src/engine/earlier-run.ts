import type { Wave } from '../probes/history.ts';
import type { LatestRun } from '../probes/runs.ts';
import { RUN_ID, RUNS } from '../shell/records.ts';
import { TransportError } from '../transport/transport.ts';
import type { Followed } from './follow.ts';
import { followScript, settleScript, undoScript } from './follow-scripts.ts';
import { isAbandoned } from './holder.ts';
import type { Journal } from './journal.ts';
import { type Failure, goesOn, heldBy } from './told.ts';

/** What the run that comes after it does for it. */
export interface Successor {
  /** What the host is called. */
  readonly host: string;
  /** Who runs it. */
  readonly who: string;
  /** One line about what is under way. */
  readonly progress: (line: string) => void;
  /** One line that the result tells. */
  readonly note: (line: string) => void;
  /** Runs a script that follows a job to its end. */
  readonly follow: (job: Followed, script: string) => Promise<Journal>;
  /** Looks at the host anew, and says which run is the latest there. */
  readonly look: () => Promise<LatestRun | undefined>;
  /** What the host remembers of its runs. */
  readonly history: () => Promise<readonly Wave[]>;
  /** Runs a script that does not take long; whether it did what it should. */
  readonly run: (script: string) => Promise<boolean>;
}

/** The run before this one on a host: it is told of, and brought to its end before another one begins. */
export class EarlierRun {
  readonly #next: Successor;
  #told: LatestRun | undefined;
  #ending: 'not begun' | 'under way' | 'over' = 'not begun';

  constructor(next: Successor) {
    this.#next = next;
  }

  /** It, where what became of it is to be told. */
  get told(): LatestRun | undefined {
    return this.#told;
  }

  /** As a look that changes nothing has found it. */
  found(latest: LatestRun | undefined): void {
    if (latest?.working) {
      this.#next.note(`another run is at work there (${latest.who}): what it has not reached yet is drift`);
    } else this.#told = latest;
  }

  /** Brings it to its end, if it is not there; says why no other run can begin, if none can. */
  async finish(latest: LatestRun | undefined): Promise<Failure | undefined> {
    const { host, who, progress, note, look } = this.#next;
    if (latest?.working && isAbandoned(latest.mark)) {
      progress(`an earlier run of yours (${latest.who}) is still at work there: following it to its end`);
      const { guard } = await this.#follow({ id: latest.id, titles: [] }, followScript(latest.id));
      note(
        `an earlier run of yours (${latest.who}) was still at work there and has ended now${guard === 'rolledback' ? ': what nobody had confirmed was undone' : ''}`,
      );
      await look();
    } else if (latest?.owesUndoing) {
      progress(`the host was cut off while it undid an earlier run (${latest.who}): it does that first`);
      await this.#follow({ id: latest.id, titles: [], over: true }, undoScript(latest.id));
      this.#told = await look();
      if (this.#told?.owesUndoing) {
        return {
          status: 'failed',
          reason: `${host} could not finish undoing an earlier run (${latest.who}), and nothing else was begun. Run on its console: sh ${RUNS}/${latest.id}/rollback.sh`,
        };
      }
    } else if (latest?.working) {
      return { status: 'locked', reason: heldBy(latest.who, { host, who, applied: false }) };
    } else this.#told = latest;
    return undefined;
  }

  /** Where these tasks are as wanted: has the host note of a run that was cut off that nothing of it is left to do, if so. */
  async settle(asWanted: readonly string[]): Promise<void> {
    const { note, history, run } = this.#next;
    const cut = this.#told;
    if (!cut || cut.ended || cut.settled || cut.owesUndoing) return;
    if (!isDone(cut.id, await history(), asWanted) || !(await run(settleScript(cut.id)))) return;
    this.#told = undefined;
    note(
      `the latest run there (${cut.who}) was cut off before its end: everything is as wanted, so nothing of it is left to do`,
    );
  }

  async #follow(job: Followed, script: string): Promise<Journal> {
    this.#ending = 'under way';
    const journal = await this.#next.follow(job, script);
    if (journal.refused !== undefined)
      throw new TransportError('refused', this.#next.host, `${journal.refused}.`);
    this.#ending = 'over';
    return journal;
  }

  /** What is to be said where the connection ends, for whatever reason, before this run begins anything. */
  lost(why: string): Failure {
    switch (this.#ending) {
      case 'not begun':
        return { status: 'unreachable', reason: `${why} Nothing was changed there.` };
      case 'under way':
        return { status: 'failed', reason: `${why} ${goesOn('an earlier run', 'nothing else was begun')}` };
      case 'over':
        return {
          status: 'unreachable',
          reason: `${why} An earlier run was brought to its end there; nothing else was changed.`,
        };
    }
  }
}

/** Whether all that the run with this wave was to do is among what is as wanted. Pure. */
export function isDone(wave: string, history: readonly Wave[], asWanted: readonly string[]): boolean {
  const waves = history.filter(({ id }) => id.slice(0, RUN_ID) === wave.slice(0, RUN_ID));
  // of an older version nobody knows what it was to do
  return (
    waves.length > 0 && waves.every(({ plan: { tasks } }) => tasks?.every(({ id }) => asWanted.includes(id)))
  );
}
