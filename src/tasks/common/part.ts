import type { Change } from '../change.ts';
import type { Obstacle } from './verdicts.ts';

/** What one part of the task found: why something differs, and what mends it, in order. Both empty if nothing does. */
export interface Part {
  readonly reasons: readonly string[];
  readonly changes: readonly Change[];
}

export const NOTHING: Part = { reasons: [], changes: [] };

export const isObstacle = (found: Part | Obstacle): found is Obstacle => 'verdict' in found;

/** Parts one after the other; the first problem is the problem of all. */
export function joined(parts: readonly (Part | Obstacle)[]): Part | Obstacle {
  const problem = parts.find(isObstacle);
  if (problem) return problem;
  const fine = parts.filter((part): part is Part => !isObstacle(part));
  return {
    reasons: fine.flatMap(({ reasons }) => reasons),
    changes: fine.flatMap(({ changes }) => changes),
  };
}
