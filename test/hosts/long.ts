/**
 * Loops that go on for as long as one lets them. The suite runs a small sample of each, always the same one; `npm run test:long`
 * runs all, with another seed each time. `HARDEN_SEED` repeats a run.
 */
const whole = process.env.HARDEN_LONG === '1';

/** How often a loop goes round. */
export const rounds = (sample: number, full: number): number => (whole ? full : sample);

/** A sample of rows, each `every`th one; the long run has all. */
export const sample = <T>(rows: readonly T[], every: number): readonly T[] =>
  rows.filter((_, index) => whole || index % every === 0);

let chosen: number | undefined;

/** The seed of every choice by chance in this run, which is printed. */
export function seed(): number {
  if (chosen === undefined) {
    const given = Number(process.env.HARDEN_SEED);
    chosen = given || (whole ? Math.trunc(Math.random() * 0x7fffffff) : 1);
    console.log(`HARDEN_SEED=${chosen}${whole ? ' HARDEN_LONG=1' : ''}`);
  }
  return chosen;
}
