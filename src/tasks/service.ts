import { Type } from '@sinclair/typebox';
import { fail2banProbe } from '../probes/fail2ban.ts';
import { fail2banConfigProbe } from '../probes/fail2ban-config.ts';
import { fail2banDumpProbe } from '../probes/fail2ban-dump.ts';
import { type FileState, fileProbe } from '../probes/file.ts';
import { unitOriginProbe } from '../probes/origin.ts';
import { ask } from '../probes/probe.ts';
import { isMasked, unitName, unitProbe } from '../probes/systemd.ts';
import type { Change, ControlUnit, SetAttributes } from './change.ts';
import { AbsolutePath } from './common/params.ts';
import { blocked, unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { notTakenOver } from './fail2ban/loadable.ts';
import { defineRemoval, defineTask, type Key, type Mistake } from './task.ts';

const schema = Type.Object(
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
);

/** systemctl describes no unit at all where one of those asked for is a template. */
const noTemplate = ({ name }: { readonly name?: string }): Mistake[] =>
  name !== undefined && /^@|@(\.[a-z]+)?$/.test(name)
    ? [[['name'], `${name} is a template and no unit: name an instance of it, such as ssh@1.service`]]
    : [];

const removal = defineRemoval(schema, {
  summary: 'whether it starts at boot, and whether it runs, is as before harden first controlled it.',
  check: noTemplate,
  questions: ({ name }) => ({ unit: ask(unitProbe, name), origin: ask(unitOriginProbe, unitName(name)) }),
  plan({ name }, { unit: state, origin }) {
    const unit = unitName(name);
    if (state.state === 'unreadable') return unseen(unit, state);
    if (origin.state === 'unreadable') return unseen(`How ${unit} was before`, origin);
    if (state.state === 'absent') return { verdict: 'ok', reason: `there is no unit ${unit} on this host` };
    if (origin.state === 'absent')
      return { verdict: 'ok', reason: 'harden did not control it: it stays as it is' };
    const { unitFileState, activeState } = origin.value;
    const now = state.value;
    const back: [ControlUnit['action'], string][] = [];
    if (unitFileState === 'disabled' && now.unitFileState.startsWith('enabled'))
      back.push(['disable', 'it did not start at boot before harden']);
    if (/^(inactive|failed)$/.test(activeState) && now.activeState === 'active')
      back.push(['stop', 'it did not run before harden']);
    if (isMasked(unitFileState) && !isMasked(now.unitFileState))
      back.push(['mask', 'it was masked before harden']);
    if (back.length === 0) return { verdict: 'ok', reason: 'it is as it was before harden' };
    return {
      verdict: 'change',
      reason: sentenceList(back.map(([, reason]) => reason)),
      changes: back.map(([action]) => ({ kind: 'control-unit', unit, action, restores: true })),
    };
  },
});

/** Where an administrator's units lie. */
const unitFile = (name: string): Key => `file:/etc/systemd/system/${unitName(name)}`;

/** Seconds by which a unit may have changed after the host's clock was read: a look takes less. */
const LOOK = 60;

/** Gives a file the host's present time: the one it has is still to come, since the clock was put back. */
const redate = ({ realPath, mode }: FileState): SetAttributes => ({
  kind: 'set-attributes',
  path: realPath,
  mode,
  summary: 'its last change lies in the future of the clock of the host, and is dated now',
});

/** Only of fail2ban it can be asked whether it could read its files. */
const FAIL2BAN = {
  dump: [ask(fail2banDumpProbe, 'dump' as const)],
  config: [ask(fail2banConfigProbe, 'jails' as const)],
  server: [ask(fail2banProbe, 'fail2ban' as const)],
};
const NO_FAIL2BAN: { readonly [name in keyof typeof FAIL2BAN]: (typeof FAIL2BAN)[name] } = {
  dump: [],
  config: [],
  server: [],
};

/** A systemd service. A restart owed is read off the host's state, never remembered from a run. */
export const serviceTask = defineTask({
  type: 'service',
  summary:
    'A service runs, starts at boot, and has read its configuration: a tracked file that is newer than its last start or reload is a restart owed.',
  schema,
  removal,
  owns: ({ name }) => [`unit:${unitName(name)}`],
  relies: ({ name, tracks = [] }) => [
    `package:${unitName(name).replace(/\.service$/, '')}`,
    unitFile(name),
    ...tracks.map((path) => `file:${path}` as const),
  ],
  check: noTemplate,
  questions: ({ name, tracks = [] }) => ({
    unit: ask(unitProbe, name),
    tracked: tracks.map((path) => ask(fileProbe, { path, content: 'never' })),
    ...(unitName(name) === 'fail2ban.service' ? FAIL2BAN : NO_FAIL2BAN),
  }),
  plan(
    { name, enabled = true, tracks = [], restart = false },
    { unit: state, tracked, dump: [dump], config: [config], server: [server] },
    context,
  ) {
    const { promised, promisedIn, facts } = context;
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
    if (value.hollow) {
      return {
        verdict: 'needs',
        key: `package:${unit.replace(/\.service$/, '')}`,
        reason: `it is masked, and there is no unit ${unit} behind the mask on this host`,
      };
    }
    // of what systemd has not read anew nobody can say that yet
    if (value.ends && value.activeState !== 'active' && !value.needDaemonReload) {
      const reason = `${unit} never counts as running, since it is of Type=oneshot and ends when its work is done: name the timer that starts it (such as ${unit.replace(/\.service$/, '.timer')}) instead, or set RemainAfterExit=yes in a drop-in of it`;
      const own = unitFile(name);
      const key = promised(own) ? own : promisedIn(`/etc/systemd/system/${unit}.d`);
      return key ? { verdict: 'needs', key, reason } : blocked(reason);
    }
    const changes: Change[] = [];
    const reasons: string[] = [];
    const reads = tracks.map((path, index) => {
      const file = tracked[index];
      return file?.state === 'present' ? file.value.realPath : path;
    });
    const control = (
      action: 'unmask' | 'enable' | 'start' | 'restart' | 'reload-or-restart',
      reason: string,
    ) => {
      changes.push({ kind: 'control-unit', unit, action, ...(tracks.length > 0 ? { reads } : {}) });
      reasons.push(reason);
    };
    if (isMasked(value.unitFileState)) control('unmask', 'it is masked');
    if (enabled && /^(disabled|masked|enabled-runtime|linked)/.test(value.unitFileState))
      control('enable', 'it does not start at boot');
    const blind = tracks.findIndex((_, index) => tracked[index]?.state === 'unreadable');
    const unknown = tracked[blind];
    if (unknown?.state === 'unreadable') return unseen(tracks[blind]!, unknown);
    // of a start by a clock that was put back since, nobody can say what came before it
    const undated = value.stateChange > facts.clock + LOOK;
    const newer = tracks.filter((path, index) => {
      const file = tracked[index];
      const changed = file?.state === 'present' && (undated || file.value.ctime > value.stateChange);
      return changed || promised(`file:${path}`);
    });
    const skipped = value.skipped
      ? `, and a condition of it was not met when it was last to start (systemctl status ${unit} names it)`
      : '';
    if (value.activeState !== 'active')
      control(value.activeState === 'failed' ? 'restart' : 'start', `it is ${value.activeState}${skipped}`);
    else if (newer.length > 0) {
      for (const file of tracked)
        if (file.state === 'present' && file.value.ctime > facts.clock) changes.push(redate(file.value));
      control(
        restart ? 'restart' : 'reload-or-restart',
        `a restart is owed: ${sentenceList(newer)} ${undated ? 'may be' : 'is'} newer than what it last read${undated ? ', since the clock of the host was put back' : ''}`,
      );
    } else if (value.needDaemonReload) control('restart', 'a restart is owed: its unit file changed on disk');
    const loads = changes.some((change) => change.kind === 'control-unit' && change.action !== 'enable');
    if (loads && dump && config && server) {
      const unfit = notTakenOver(dump, config, server, context);
      if (unfit) return unfit;
    }
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
