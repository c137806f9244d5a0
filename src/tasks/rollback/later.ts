import type { FirewallState } from '../../probes/firewall.ts';
import type { Observed } from '../../probes/probe.ts';
import type { RunAndLater } from '../../probes/run-record.ts';
import { isObstacle, type Part } from '../common/part.ts';
import { blocked, type Obstacle } from '../common/verdicts.ts';
import { sentenceList } from '../common/words.ts';
import { laterFirst, stands } from './advice.ts';
import { brought } from './packages.ts';
import { runParts } from './parts.ts';

/** Packages that a run brought stay as long as a later run stands, for it may need them. */
export function neededLater(
  record: RunAndLater,
  firewall: Observed<FirewallState>,
  which: string,
): Obstacle | undefined {
  const names = brought(record);
  if (names.length === 0) return undefined;
  const later = record.later.map((run) => ({ run, parts: runParts({ ...run, later: [] }, firewall) }));
  const unseen = later.flatMap(({ parts }) => parts).find(isUnseen);
  if (unseen) return unseen;
  const standing = later.filter(({ parts }) => parts.some(stands)).map(({ run }) => run);
  return standing.length === 0
    ? undefined
    : blocked(
        `${which} brought the packages ${sentenceList(names)}, which what came later may need: ${laterFirst(standing)}`,
      );
}

const isUnseen = (part: Part | Obstacle): part is Obstacle => isObstacle(part) && part.verdict === 'failed';
