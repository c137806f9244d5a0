import { describe, expect, it } from 'vitest';
import type { Dump } from '../../src/probes/fail2ban-dump.ts';
import { absent, present, unreadable } from '../../src/probes/probe.ts';
import type { UnitState } from '../../src/probes/systemd.ts';
import { serviceTask } from '../../src/tasks/service.ts';
import type { Key } from '../../src/tasks/task.ts';
import { context, fileState } from './context.ts';

const unit = (over: Partial<UnitState> = {}) =>
  present<UnitState>({
    activeState: 'active',
    unitFileState: 'enabled',
    needDaemonReload: false,
    dropIns: [],
    wantedBy: ['multi-user.target'],
    stateChange: 1_700_000_500.25,
    ...over,
  });

const changedAt = (seconds: number) => present(fileState({ ctime: 1_700_000_000 + seconds }));
const actions = (...names: string[]) => ({
  changes: names.map((action) => ({ kind: 'control-unit', unit: 'x.service', action })),
});

const NO_FAIL2BAN = { dump: [], config: [], server: [] };

describe('service', () => {
  it.each([
    ['runs', unit(), { verdict: 'ok', reason: 'it runs and starts at boot' }],
    ['is stopped', unit({ activeState: 'inactive' }), { reason: 'it is inactive', ...actions('start') }],
    ['has failed', unit({ activeState: 'failed' }), { reason: 'it is failed', ...actions('restart') }],
    [
      'is disabled',
      unit({ unitFileState: 'disabled' }),
      { reason: 'it does not start at boot', ...actions('enable') },
    ],
    [
      'is masked, with no unit behind the mask',
      unit({ unitFileState: 'masked', activeState: 'inactive', hollow: true }),
      {
        verdict: 'needs',
        key: 'package:x',
        reason: 'it is masked, and there is no unit x.service behind the mask on this host',
      },
    ],
    [
      'is masked and stopped',
      unit({ unitFileState: 'masked', activeState: 'inactive' }),
      {
        reason: 'it is masked, it does not start at boot, it is inactive',
        ...actions('unmask', 'enable', 'start'),
      },
    ],
    ['is enabled until the next boot', unit({ unitFileState: 'enabled-runtime' }), actions('enable')],
    [
      'cannot be enabled',
      unit({ unitFileState: 'static' }),
      { verdict: 'ok', reason: 'it runs; there is nothing to enable in it (static)' },
    ],
    [
      'has no unit file',
      unit({ unitFileState: '' }),
      { verdict: 'ok', reason: 'it runs; there is nothing to enable in it (it has no unit file)' },
    ],
    ['has a newer unit file', unit({ needDaemonReload: true }), actions('restart')],
    [
      'does not exist',
      absent,
      { verdict: 'needs', key: 'package:x', reason: 'there is no unit x.service on this host' },
    ],
    ['cannot be seen', unreadable('no bus'), { verdict: 'failed' }],
    [
      'ends when its work is done',
      unit({ activeState: 'inactive', ends: true }),
      {
        verdict: 'blocked',
        reason:
          'x.service never counts as running, since it is of Type=oneshot and ends when its work is done: name the timer that starts it (such as x.timer) instead, or set RemainAfterExit=yes in a drop-in of it',
      },
    ],
    ['is at such work', unit({ activeState: 'activating', ends: true }), { verdict: 'blocked' }],
    [
      // what systemd has read of it is not what stands there
      'ended, before its file was changed',
      unit({ activeState: 'inactive', ends: true, needDaemonReload: true }),
      actions('start'),
    ],
    [
      'was skipped by systemd',
      unit({ activeState: 'inactive', skipped: true }),
      {
        reason:
          'it is inactive, and a condition of it was not met when it was last to start (systemctl status x.service names it)',
        ...actions('start'),
      },
    ],
  ])('that %s', (_, state, verdict) => {
    expect(
      serviceTask.plan({ name: 'x' }, { ...NO_FAIL2BAN, unit: state, tracked: [] }, context()),
    ).toMatchObject(verdict);
  });

  it.each([
    ['older than its start', changedAt(500.2), { verdict: 'ok' }],
    [
      'newer than its start',
      changedAt(500.3),
      { verdict: 'change', reason: 'a restart is owed: /etc/x is newer than what it last read' },
    ],
    ['missing', absent, { verdict: 'ok' }],
    [
      // or the file would be newer than every restart to come
      'of a time that is still to come',
      present(fileState({ ctime: 1_900_000_000, mode: '0640' })),
      {
        changes: [
          { kind: 'set-attributes', path: '/etc/x', mode: '0640' },
          { kind: 'control-unit', action: 'reload-or-restart' },
        ],
      },
    ],
  ])('whose tracked file is %s', (_, file, verdict) => {
    expect(
      serviceTask.plan(
        { name: 'x', tracks: ['/etc/x'] },
        { ...NO_FAIL2BAN, unit: unit(), tracked: [file] },
        context(),
      ),
    ).toMatchObject(verdict);
  });

  it('whose start is still to come by the clock of the host cannot have its files dated by it', () => {
    const verdict = serviceTask.plan(
      { name: 'x', tracks: ['/etc/x'] },
      { ...NO_FAIL2BAN, unit: unit({ stateChange: 1_900_000_000 }), tracked: [changedAt(1)] },
      context(),
    );
    expect(verdict).toMatchObject({
      reason:
        'a restart is owed: /etc/x may be newer than what it last read, since the clock of the host was put back',
      ...actions('reload-or-restart'),
    });
  });

  it.each<[string, UnitState['activeState'], Dump, object]>([
    ['is not started', 'inactive', { refusal: 'garbage', jails: new Map() }, { verdict: 'blocked' }],
    [
      'is told of, where it runs, by the tasks of its jails',
      'active',
      { refusal: 'garbage', jails: new Map() },
      { verdict: 'ok' },
    ],
    [
      'is started where a jail is merely left out',
      'inactive',
      { jails: new Map([['x', { skipped: 'no filter', actions: [], watches: false }]]) },
      { changes: [{ kind: 'control-unit', unit: 'fail2ban.service', action: 'start' }] },
    ],
  ])('that is fail2ban and could not read its files %s', (_, activeState, dump, verdict) => {
    const seen = { dump: [present(dump)], config: [present([])], server: [absent] };
    expect(
      serviceTask.plan(
        { name: 'fail2ban' },
        { ...seen, unit: unit({ activeState }), tracked: [] },
        context(),
      ),
    ).toMatchObject(verdict);
  });

  it.each<[string, Key, object]>([
    [
      'its file',
      'file:/etc/systemd/system/x.service',
      { verdict: 'needs', key: 'file:/etc/systemd/system/x.service' },
    ],
    [
      'a drop-in',
      'file:/etc/systemd/system/x.service.d/y.conf',
      { verdict: 'needs', key: 'file:/etc/systemd/system/x.service.d/y.conf' },
    ],
    ['a drop-in of another', 'file:/etc/systemd/system/xx.service.d/y.conf', { verdict: 'blocked' }],
  ])('of a kind that ends is not judged while this run writes %s', (_, key, verdict) => {
    const state = unit({ activeState: 'inactive', ends: true });
    expect(
      serviceTask.plan(
        { name: 'x' },
        { ...NO_FAIL2BAN, unit: state, tracked: [] },
        context({ promises: [key] }),
      ),
    ).toMatchObject(verdict);
  });

  it('waits for the file of its unit', () =>
    expect(serviceTask.relies?.({ name: 'x' })).toContain('file:/etc/systemd/system/x.service'));

  it('owes a restart for a file that this very run will write', () => {
    const verdict = serviceTask.plan(
      { name: 'x', tracks: ['/etc/x'], restart: true },
      { ...NO_FAIL2BAN, unit: unit(), tracked: [changedAt(1)] },
      context({ promises: ['file:/etc/x'] }),
    );
    expect(verdict).toMatchObject(actions('restart'));
  });
});

it.each([
  ['ssh', false],
  ['ssh@1', false],
  ['ssh@1.service', false],
  ['tpl@', true],
  ['tpl@.service', true],
  ['@', true],
  ['@1.service', true],
])('the name %s is that of a template: %s', (name, template) => {
  for (const { check } of [serviceTask, serviceTask.removal])
    expect(check?.({ name })).toHaveLength(Number(template));
});
