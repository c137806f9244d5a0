import { type Frame, frames, textOf } from '../shell/frame.ts';

/** What became of one step. `running` at the end of a journal: the host stopped in the middle of it. */
export type StepState =
  | { readonly state: 'not-run' }
  | { readonly state: 'running' }
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly status: number; readonly output: string };

export type GuardState = 'none' | 'armed' | 'waiting' | 'confirmed' | 'rolledback' | 'pending';

/** What a run's journal says, complete or cut off. */
export interface Journal {
  readonly steps: readonly StepState[];
  readonly guard: GuardState;
  /** Seconds after which the host ends and undoes guarded steps that hang; told before the guard is armed, as what comes next may cut the line. */
  readonly limit?: number;
  /** Another run holds the host: who and since when. */
  readonly locked?: string;
  /** Why the host could not lay the job down: nothing of it was done. */
  readonly refused?: string;
  /** The job was never laid down, and will not be any more: what was sent was lost with the connection. */
  readonly absent?: boolean;
  /** The jails that had banned the operator when the host undid the change. */
  readonly bannedBy?: readonly string[];
  /** Why the login that was to confirm did not, as whoever followed the run knows. */
  readonly keptOut?: string;
  /** Why a new login that worked did not confirm. */
  readonly late?: string;
  /** The person who was asked instead did not say that a login works. */
  readonly denied?: true;
  /** What could not be undone. */
  readonly trouble?: string;
  /** It ended early because the operator said so. */
  readonly stopped?: boolean;
  readonly frames: readonly Frame[];
}

/** Reads a journal from the start; what is not understood is passed over. Pure. */
export function readJournal(output: Buffer, id: string, steps: number): Journal {
  const states: StepState[] = Array.from({ length: steps }, () => ({ state: 'not-run' }));
  const found = frames(output, id);
  let guard: GuardState = 'none';
  let stopped = false;
  let absent = false;
  let bannedBy: string[] = [];
  let limit: number | undefined;
  const said: { locked?: string; refused?: string; trouble?: string } = {};
  for (const { words } of found) {
    const [word, first, second, third] = words;
    if (word === 'step' && states[Number(first)]) {
      states[Number(first)] =
        second === 'start'
          ? { state: 'running' }
          : second === '0'
            ? { state: 'done' }
            : { state: 'failed', status: Number(second), output: textOf(third).trim() };
    } else if (word === 'guard' && isGuardState(first)) guard = first;
    else if (word === 'limit') limit = Number(first);
    else if (word === 'stopped') stopped = true;
    else if (word === 'absent') absent = true;
    else if (word === 'banned')
      bannedBy = [...textOf(first).matchAll(/'([\w.-]+)'/g)].map(([, jail]) => jail!);
    else if (word === 'locked' || word === 'refused' || word === 'trouble') said[word] = textOf(first).trim();
  }
  return {
    steps: states,
    guard,
    ...(limit !== undefined ? { limit } : {}),
    ...(stopped ? { stopped } : {}),
    ...(absent ? { absent } : {}),
    ...(bannedBy.length > 0 ? { bannedBy } : {}),
    ...said,
    frames: found,
  };
}

const isGuardState = (word: string | undefined): word is GuardState =>
  ['armed', 'waiting', 'confirmed', 'rolledback', 'pending'].includes(word ?? '');
