import type { RunRecord } from '../../probes/run-record.ts';
import { isObstacle, type Part } from '../common/part.ts';
import type { Obstacle } from '../common/verdicts.ts';

/** Something of what a run changed is left. */
export const stands = (part: Part | Obstacle): boolean => isObstacle(part) || part.changes.length > 0;

/** What to do about later runs, the latest first. */
export const laterFirst = (runs: readonly RunRecord[]): string =>
  `roll back the later ${runs.length === 1 ? 'run first' : 'runs first, in this order'}: ${runs
    .map(({ id }) => `harden rollback --run ${id}`)
    .join(', ')}`;
