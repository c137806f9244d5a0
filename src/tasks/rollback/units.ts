import { posix } from 'node:path';
import type { RunAndLater } from '../../probes/run-record.ts';
import { isMasked } from '../../probes/systemd.ts';
import type { ControlUnit } from '../change.ts';
import type { Part } from '../common/part.ts';

/**
 * Units as they were: what did not run is stopped before its files go, what ran starts or restarts after they are back.
 * `pending`: files are still to be put back.
 */
export function unitsParts({ units, files }: RunAndLater, when: 'stop' | 'start', pending: boolean): Part[] {
  const newest = Math.max(0, ...files.map(({ now }) => (now.state === 'file' ? now.ctime : 0)));
  return units.map(({ unit, unitFileState, activeState, now }): Part => {
    const actions: ControlUnit['action'][] = [];
    const ran = activeState === 'active' || activeState === 'reloading' || activeState === 'activating';
    const runs = now.activeState === 'active';
    // an empty file is a mask, which comes and goes with it; it may lie where a link leads
    const byFile = files.some(({ path, before }) => posix.basename(path) === unit && before.state === 'file');
    if (when === 'stop') {
      if (unitFileState === 'disabled' && now.unitFileState === 'enabled') actions.push('disable');
      if (!ran && runs) actions.push('stop');
    } else if (isMasked(unitFileState)) {
      // a link, for which the unit's file has to be gone
      if (!isMasked(now.unitFileState) && !byFile) actions.push('mask');
    } else {
      if (isMasked(now.unitFileState) && !byFile) actions.push('unmask');
      if (unitFileState === 'enabled' && now.unitFileState !== 'enabled') actions.push('enable');
      // fail2ban takes its files over by a reload of its own
      const owed = ran && runs && unit !== FAIL2BAN && (pending || (now.loaded && newest > now.stateChange));
      if (ran && !runs) actions.push('start');
      else if (owed) actions.push('restart');
    }
    return {
      reasons: actions.length > 0 ? [unit] : [],
      changes: actions.map((action) => ({ kind: 'control-unit', unit, action, lenient: true })),
    };
  });
}

const FAIL2BAN = 'fail2ban.service';
