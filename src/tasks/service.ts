import { Type } from '@sinclair/typebox';
import { fileProbe } from '../probes/file.ts';
import { ask } from '../probes/probe.ts';
import { unitName, unitProbe } from '../probes/systemd.ts';
import type { Change } from './change.ts';
import { AbsolutePath } from './common/params.ts';
import { unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { defineTask } from './task.ts';

/** A systemd service. A restart owed is read off the host's state, never remembered from a run. */
export const serviceTask = defineTask({
  type: 'service',
  summary:
    'A service runs, starts at boot, and has read its configuration: a tracked file that is newer than its last start or reload is a restart owed.',
  schema: Type.Object(
    {
      name: Type.String({
        pattern: '^[A-Za-z0-9:_.@\\\\-]{1,200}$',
        description: 'The unit; .service may be left out.',
      }),
      enabled: Type.Optional(
        Type.Boolean({
          description: 'Starts at boot (default true; false leaves that as it is).',
          default: true,
        }),
      ),
      tracks: Type.Optional(
        Type.Array(AbsolutePath('A configuration file that the service reads when it starts or reloads.'), {
          uniqueItems: true,
          description: 'Files whose change the service has to be told of.',
        }),
      ),
      restart: Type.Optional(
        Type.Boolean({ description: 'Restart for a tracked change instead of reloading (default false).' }),
      ),
    },
    { additionalProperties: false, title: 'service' },
  ),
  owns: ({ name }) => [`unit:${unitName(name)}`],
  relies: ({ name, tracks = [] }) => [
    `package:${unitName(name).replace(/\.service$/, '')}`,
    ...tracks.map((path) => `file:${path}` as const),
  ],
  questions: ({ name, tracks = [] }) => ({
    unit: ask(unitProbe, name),
    tracked: tracks.map((path) => ask(fileProbe, { path, content: 'never' })),
  }),
  plan({ name, enabled = true, tracks = [], restart = false }, { unit: state, tracked }, { promised }) {
    const unit = unitName(name);
    if (state.state === 'unreadable') return unseen(unit, state);
    if (state.state === 'absent') {
      return {
        verdict: 'needs',
        key: `package:${unit.replace(/\.service$/, '')}`,
        reason: `there is no unit ${unit} on this host`,
      };
    }
    const { value } = state;
    const changes: Change[] = [];
    const reasons: string[] = [];
    const control = (
      action: 'unmask' | 'enable' | 'start' | 'restart' | 'reload-or-restart',
      reason: string,
    ) => {
      changes.push({ kind: 'control-unit', unit, action });
      reasons.push(reason);
    };
    if (value.unitFileState.startsWith('masked')) control('unmask', 'it is masked');
    if (enabled && /^(disabled|masked|enabled-runtime|linked)/.test(value.unitFileState))
      control('enable', 'it does not start at boot');
    const blind = tracks.findIndex((_, index) => tracked[index]?.state === 'unreadable');
    const unknown = tracked[blind];
    if (unknown?.state === 'unreadable') return unseen(tracks[blind]!, unknown);
    const newer = tracks.filter((path, index) => {
      const file = tracked[index];
      const changed = file?.state === 'present' && file.value.ctime > value.stateChange;
      return changed || promised(`file:${path}`);
    });
    if (value.activeState !== 'active')
      control(value.activeState === 'failed' ? 'restart' : 'start', `it is ${value.activeState}`);
    else if (newer.length > 0) {
      control(
        restart ? 'restart' : 'reload-or-restart',
        `a restart is owed: ${sentenceList(newer)} is newer than what it last read`,
      );
    } else if (value.needDaemonReload) control('restart', 'a restart is owed: its unit file changed on disk');
    if (changes.length > 0) return { verdict: 'change', reason: reasons.join(', '), changes };
    if (!enabled) return { verdict: 'ok', reason: 'it runs' };
    if (value.unitFileState.startsWith('enabled'))
      return { verdict: 'ok', reason: 'it runs and starts at boot' };
    // static, indirect, generated: something else decides when it starts
    return {
      verdict: 'ok',
      reason: `it runs; there is nothing to enable in it (${value.unitFileState || 'it has no unit file'})`,
    };
  },
});
