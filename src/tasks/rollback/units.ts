import type { RunAndLater } from '../../probes/run-record.ts';
import type { ControlUnit } from '../change.ts';
import type { Part } from '../common/part.ts';
import { stands } from './advice.ts';
import { filesParts } from './files.ts';

/** Units as they were: what did not run is stopped before its files go, what ran starts or restarts after they are back. */
export function unitsParts(record: RunAndLater, when: 'stop' | 'start'): Part[] {
  const { units, files } = record;
  const newest = Math.max(0, ...files.map(({ now }) => (now.state === 'file' ? now.ctime : 0)));
  const pending = filesParts(record).some(stands);
  return units.map(({ unit, unitFileState, activeState, now }): Part => {
    const actions: ControlUnit['action'][] = [];
    const ran = activeState === 'active' || activeState === 'reloading' || activeState === 'activating';
    const runs = now.activeState === 'active';
    if (when === 'stop') {
      if (unitFileState === 'disabled' && now.unitFileState === 'enabled') actions.push('disable');
      if (!ran && runs) actions.push('stop');
      if (unitFileState.startsWith('masked') && !now.unitFileState.startsWith('masked')) actions.push('mask');
    } else if (!unitFileState.startsWith('masked')) {
      if (now.unitFileState.startsWith('masked')) actions.push('unmask');
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
