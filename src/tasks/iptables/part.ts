import type { Change } from '../change.ts';
import type { Verdict } from '../task.ts';

/** What one part of the task found: why something differs, and what mends it, in order. Both empty if nothing does. */
export interface Part {
  readonly reasons: readonly string[];
  readonly changes: readonly Change[];
}

export const NOTHING: Part = { reasons: [], changes: [] };

/** Why nothing can be said, or nothing can be done. */
export type Problem = Extract<Verdict, { verdict: 'failed' | 'blocked' }>;

export const isProblem = (found: Part | Problem): found is Problem => 'verdict' in found;

export const failed = (what: string, why: string): Problem => ({
  verdict: 'failed',
  reason: `${what} could not be looked at: ${why}`,
});

export const blocked = (reason: string): Problem => ({ verdict: 'blocked', reason });

/** Parts one after the other; the first problem is the problem of all. */
export function joined(parts: readonly (Part | Problem)[]): Part | Problem {
  const problem = parts.find(isProblem);
  if (problem) return problem;
  const fine = parts.filter((part): part is Part => !isProblem(part));
  return {
    reasons: fine.flatMap(({ reasons }) => reasons),
    changes: fine.flatMap(({ changes }) => changes),
  };
}
