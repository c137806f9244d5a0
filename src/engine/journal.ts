import { type Frame, frames } from '../shell/frame.ts';

/** What became of one step. `running` at the end of a journal: the host stopped in the middle of it. */
export type StepState =
  | { readonly state: 'not-run' }
  | { readonly state: 'running' }
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly status: number; readonly output: string };

export type GuardState = 'none' | 'waiting' | 'confirmed' | 'rolledback' | 'pending';

/** What a run's journal says, complete or cut off. */
export interface Journal {
  readonly steps: readonly StepState[];
  readonly guard: GuardState;
  /** Another run holds the host: who and since when. */
  readonly locked?: string;
  /** Why the host could not lay the job down: nothing of it was done. */
  readonly refused?: string;
  readonly frames: readonly Frame[];
}

const decode = (word: string | undefined): string =>
  Buffer.from((word ?? '').replace(/=$/, ''), 'base64')
    .toString()
    .trim();

/** Reads a journal from the start; what is not understood is passed over. Pure. */
export function readJournal(output: Buffer, id: string, steps: number): Journal {
  const states: StepState[] = Array.from({ length: steps }, () => ({ state: 'not-run' }));
  const found = frames(output, id);
  let guard: GuardState = 'none';
  let locked: string | undefined;
  let refused: string | undefined;
  for (const { words } of found) {
    const [word, first, second, third] = words;
    if (word === 'step' && states[Number(first)]) {
      states[Number(first)] =
        second === 'start'
          ? { state: 'running' }
          : second === '0'
            ? { state: 'done' }
            : { state: 'failed', status: Number(second), output: decode(third) };
    } else if (word === 'guard' && isGuardState(first)) guard = first;
    else if (word === 'locked') locked = decode(first);
    else if (word === 'refused') refused = decode(first);
  }
  return {
    steps: states,
    guard,
    ...(locked === undefined ? {} : { locked }),
    ...(refused === undefined ? {} : { refused }),
    frames: found,
  };
}

const isGuardState = (word: string | undefined): word is GuardState =>
  ['waiting', 'confirmed', 'rolledback', 'pending'].includes(word ?? '');
