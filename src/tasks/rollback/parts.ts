import type { FirewallState } from '../../probes/firewall.ts';
import type { Observed } from '../../probes/probe.ts';
import type { RunAndLater } from '../../probes/run-record.ts';
import type { Part } from '../common/part.ts';
import type { Obstacle } from '../common/verdicts.ts';
import { stands } from './advice.ts';
import { filesParts } from './files.ts';
import { packagesPart } from './packages.ts';
import { rulesParts } from './rules.ts';
import { unitsParts } from './units.ts';

/** All that puts back what a run changed, in order. */
export function runParts(record: RunAndLater, firewall: Observed<FirewallState>): (Part | Obstacle)[] {
  const files = filesParts(record);
  const pending = files.some(stands);
  return [
    ...rulesParts(record, firewall),
    ...unitsParts(record, 'stop', pending),
    ...files,
    ...unitsParts(record, 'start', pending),
    packagesPart(record),
  ];
}
