import type { Change } from '../change.ts';
import type { Problem } from '../verdicts.ts';

/** What one part of the task found: why something differs, and what mends it, in order. Both empty if nothing does. */
export interface Part {
  readonly reasons: readonly string[];
  readonly changes: readonly Change[];
}

export const NOTHING: Part = { reasons: [], changes: [] };

export const isProblem = (found: Part | Problem): found is Problem => 'verdict' in found;

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
