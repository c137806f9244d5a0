import { isLong, REFERENCE, testedDistribution } from './distributions.ts';

/**
 * Loops that go on for as long as one lets them, and long tables. The suite runs a small sample of each, always the same one; `npm run test:long`
 * runs all, with another seed each time. `HARDEN_SEED` repeats a run.
 */

/** How often a loop goes round. */
export const rounds = (sample: number, full: number): number => (isLong ? full : sample);

/** Whether this distribution runs but a part: the reference runs everything, and so does each in a long run. */
export const isPart = !isLong && testedDistribution() !== REFERENCE;

/** A row of a table may say that it differs from one distribution to the next. */
interface Row {
  readonly differs?: true;
}

/**
 * Of a table, what runs on the tested distribution: where it runs but a part, the first row and those that differ there.
 */
export const rowsFor = <T extends Row | readonly unknown[]>(rows: readonly T[]): readonly T[] =>
  isPart ? rows.filter((row, index) => index === 0 || ('differs' in row && row.differs)) : rows;

/** Before the first test: a long run draws another seed each time, for all its worker processes. Says how to repeat it. */
export function drawSeed(): void {
  if (!isLong || process.env.HARDEN_SEED !== undefined) return;
  process.env.HARDEN_SEED = String(Math.trunc(Math.random() * 0x7fffffff));
  console.log(`HARDEN_SEED=${process.env.HARDEN_SEED} HARDEN_LONG=1`);
}

/** The seed of every choice by chance in this run. */
export function seed(): number {
  const given = Number(process.env.HARDEN_SEED ?? 1);
  if (!Number.isSafeInteger(given)) throw new Error(`HARDEN_SEED is no number: ${process.env.HARDEN_SEED}`);
  return given;
}
