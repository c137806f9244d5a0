import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { Inquiry } from '../../src/engine/observe.ts';
import { DOORS, nextWave, plan, questionsOf } from '../../src/engine/plan.ts';
import { placeProbe } from '../../src/probes/place.ts';
import { ask } from '../../src/probes/probe.ts';
import { sensitiveProbe } from '../../src/probes/sensitive.ts';
import { frames } from '../../src/shell/frame.ts';
import { defineTask, type Key, type Task, type Verdict } from '../../src/tasks/task.ts';
import { FACTS, NO_REMOVAL } from '../tasks/context.ts';

/** A task type that decides what its parameters say. */
const fake = (barrier: boolean, type = 'fake') =>
  defineTask({
    type,
    summary: '',
    barrier,
    schema: Type.Object({
      verdict: Type.Unknown(),
      owns: Type.Array(Type.String()),
      relies: Type.Array(Type.String()),
    }),
    owns: ({ owns }) => owns as Key[],
    relies: ({ relies }) => relies as Key[],
    questions: () => ({}),
    removal: NO_REMOVAL,
    plan: ({ verdict }, _seen, { promised }) =>
      typeof verdict === 'function' ? (verdict(promised) as Verdict) : (verdict as Verdict),
  });

const plain = fake(false);
const barrier = fake(true);
const packages = fake(true, 'package');

const CHANGE: Verdict = {
  verdict: 'change',
  reason: 'differs',
  changes: [{ kind: 'run-command', command: ':' }],
};
const GUARDED: Verdict = {
  ...CHANGE,
  changes: [{ kind: 'run-command', command: ':', guarded: true }],
};
const OK: Verdict = { verdict: 'ok', reason: 'fine' };
const needs = (key: Key): Verdict => ({ verdict: 'needs', key, reason: `${key} is missing` });

const task = (
  id: string,
  type: typeof plain,
  verdict: unknown,
  owns: string[] = [],
  relies: string[] = [],
): Task => ({
  id,
  name: id,
  tags: [],
  type,
  params: { verdict, owns, relies },
  source: 'x:1:1',
  local: new Map(),
});

const seen = new Inquiry([]).read(frames('@@aa observed\n', 'aa'))!;
/** What a probe printed. */
const frame = (name: string, text: string) =>
  `@@aa probe ${name} ${Buffer.from(`${text}\n0`).toString('base64')}\n`;
const decide = (...tasks: Task[]) => plan(tasks, seen, FACTS, false).map(({ decision }) => decision);

describe('plan', () => {
  it('keeps what a task decided, with its reason', () => {
    expect(decide(task('a', plain, OK))[0]).toEqual({ status: 'ok', reason: 'fine', notes: [] });
    expect(decide(task('a', plain, CHANGE))[0]).toMatchObject({
      status: 'change',
      reason: 'differs',
      guarded: false,
    });
  });

  it('is unknown until the owner of what is missing has been applied', () => {
    const [, second] = decide(
      task('install', packages, CHANGE, ['package:x']),
      task('b', plain, needs('package:x')),
    );
    expect(second).toMatchObject({ status: 'unknown', until: 'install' });
  });

  it('names the task that is really waited for, not one that waits too', () => {
    const [, , third] = decide(
      task('install', packages, CHANGE, ['package:x']),
      task('b', plain, needs('package:x'), ['file:/b']),
      task('c', plain, needs('file:/b')),
    );
    expect(third).toMatchObject({ status: 'unknown', until: 'install' });
  });

  it('lets any earlier pending barrier bring what nobody owns', () => {
    const [, second] = decide(task('install', packages, CHANGE), task('b', plain, needs('file:/etc/x')));
    expect(second).toMatchObject({ status: 'unknown', until: 'install' });
  });

  it.each([
    ['nobody brings it', [task('b', plain, needs('package:x'))], 'package:x is missing'],
    [
      'who would bring it is blocked',
      [
        task('a', plain, { verdict: 'blocked', reason: 'no' }, ['file:/x']),
        task('b', plain, needs('file:/x')),
      ],
      'file:/x is missing, and a, which would bring it, is blocked',
    ],
    [
      'it was brought already and is still missing',
      [task('install', packages, OK, ['package:x']), task('b', plain, needs('package:x'))],
      'package:x is missing',
    ],
  ])('is blocked where %s', (_, tasks, reason) => {
    expect(decide(...tasks).at(-1)).toMatchObject({ status: 'blocked', reason });
  });

  it('is blocked where it stands above what it needs, and says so', () => {
    const [first] = decide(task('b', plain, needs('file:/x')), task('a', plain, CHANGE, ['file:/x']));
    expect(first).toMatchObject({
      status: 'blocked',
      reason: 'file:/x is missing, and a, which would bring it, stands below: move it up',
    });
  });

  it.each([
    ['the file', ['file:/etc/x']],
    ['a part of it', ['section:/etc/x#s']],
  ])('is blocked where nothing can take the place of %s that it owns, and others go on', (_, owns) => {
    const changes = [{ kind: 'remove-file', path: '/real', sha256: '' }] as const;
    const tasks = [task('a', plain, { ...CHANGE, changes }, owns), task('b', plain, CHANGE)];
    const questions = questionsOf(tasks, false);
    expect(questions).toEqual([DOORS, ask(placeProbe, '/etc/x'), ask(sensitiveProbe, 'all')]);
    const output = Buffer.from('mount /real\n0').toString('base64');
    const looked = new Inquiry(questions).read(
      frames(`@@aa probe place ${output} =\n@@aa observed\n`, 'aa'),
    )!;
    expect(plan(tasks, looked, FACTS, false).map(({ decision }) => decision)).toMatchObject([
      { status: 'blocked', reason: expect.stringMatching(/^\/real is a mount of its own/) },
      { status: 'change' },
    ]);
  });

  const NOTED = 'an earlier run noted that it is sensitive';
  it.each<[string, string, string | undefined]>([
    ['noted by an earlier run', frame('sensitive', '"sensitive":["/a","/etc/x"]'), NOTED],
    ['noted where the path leads', frame('sensitive', '"sensitive":["/real"]'), NOTED],
    ['not noted', frame('sensitive', '"sensitive":["/etc/y"]'), undefined],
    ['not noted on a fresh host', frame('sensitive', ''), undefined],
    ['perhaps', '', 'what earlier runs noted as sensitive could not be read (the host gave no answer)'],
  ])('shows no content of what is sensitive: %s', (_, noted, why) => {
    const hides = why !== undefined;
    const before = { state: 'file', sha256: '', content: Buffer.from('old') } as const;
    const changes = [
      { kind: 'write-file', path: '/real', before, content: Buffer.from('new') },
      { kind: 'remove-file', path: '/real', sha256: '', content: Buffer.from('old') },
      { kind: 'restore-file', path: '/real', before, copy: '/c', content: Buffer.from('new') },
      { kind: 'set-attributes', path: '/real', summary: '' },
    ] as const;
    const tasks = [task('a', plain, { ...CHANGE, changes }, ['file:/etc/x'])];
    const looked = new Inquiry(questionsOf(tasks, false)).read(
      frames(`${frame('place', '- /real')}${noted}@@aa observed\n`, 'aa'),
    )!;
    const [planned] = plan(tasks, looked, FACTS, false);
    const { decision } = planned!;
    const sensitive = decision.status === 'change' && decision.changes.map((one) => 'sensitive' in one);
    expect(sensitive).toEqual([hides, hides, hides, false]);
    expect(decision.notes).toEqual(Array(hides ? 3 : 0).fill(`the content of /real is not shown: ${why}`));
  });

  it('guards what the host names as a door, says what sshd does not read of it, and of others any file where it names none', () => {
    const write = (path: string): Verdict => ({
      ...CHANGE,
      changes: [{ kind: 'remove-file', path, sha256: '' }],
    });
    const tasks = [task('a', plain, write('/opt/ssh/a.conf')), task('b', plain, write('/opt/b'))];
    const named = new Inquiry(questionsOf([], false)).read(
      frames(`${frame('doors', 'config /opt/ssh\n')}${frame('sensitive', '')}@@aa observed\n`, 'aa'),
    )!;
    const decisions = (looked: typeof seen) => plan(tasks, looked, FACTS, false).map((one) => one.decision);
    expect(decisions(named)).toMatchObject([
      { guarded: true, notes: [expect.stringMatching(/^sshd goes on with what it read before/)] },
      { guarded: false, notes: [] },
    ]);
    expect(decisions(seen)).toMatchObject([{ guarded: true }, { guarded: true }]);
  });

  const writes = (path: string): Verdict => ({
    ...CHANGE,
    changes: [{ kind: 'remove-file', path, sha256: '' }],
  });
  const reloads = (unit: string, ...reads: string[]): Verdict => ({
    ...CHANGE,
    changes: [{ kind: 'control-unit', unit, action: 'reload-or-restart', reads }],
  });
  const SYNC: Verdict = {
    ...CHANGE,
    changes: [{ kind: 'sync-fail2ban', jails: [], filters: [], restart: [] }],
  };

  it.each<[string, string, Verdict]>([
    ['sshd', '/etc/ssh/sshd_config.d/x.conf', reloads('ssh.service')],
    ['a unit that tracks it', '/srv/rules', reloads('firewall.service', '/srv/rules')],
    ['its own unit', '/etc/systemd/system/firewall.service', reloads('firewall.service')],
    ['fail2ban', '/etc/fail2ban/jail.d/x.conf', SYNC],
  ])('keeps what could cut the operator off together with what reads it: %s', (_, path, reader) => {
    const known = new Inquiry(questionsOf([], false)).read(
      frames(`${frame('doors', '')}${frame('sensitive', '')}@@aa observed\n`, 'aa'),
    )!;
    const statuses = (...tasks: Task[]) =>
      plan(tasks, known, FACTS, false).map(({ decision }) => decision.status);
    const [file, run, unit] = [
      task('file', plain, writes(path)),
      task('run', barrier, CHANGE),
      task('unit', plain, reader),
    ];
    expect(plan([file, run, unit], known, FACTS, false).map(({ decision }) => decision)).toMatchObject([
      {
        status: 'blocked',
        reason: `${path} could cut you off, and unit has it read only after the command run, so no login could prove it before: move unit above run, or run above file`,
      },
      // its place is after the file
      { status: 'blocked' },
      { status: 'blocked' },
    ]);
    expect(statuses(file, unit, run)).toEqual(['change', 'change', 'change']);
    expect(statuses(file, task('run', barrier, OK), unit)).toEqual(['change', 'ok', 'change']);
    // a guarded command ends no wave: all three are one, under one guard
    const all = [file, task('run', barrier, GUARDED), unit];
    expect(nextWave(plan(all, known, FACTS, false))).toHaveLength(3);
    expect(statuses(task('file', plain, writes('/etc/sudoers.d/x')), run, unit)).not.toContain('blocked');
  });

  it.each<[string, string, Key[], Key[]]>([
    ['sshd', '/etc/ssh/sshd_config.d/x.conf', ['unit:ssh.service'], []],
    ['a unit that tracks it', '/srv/rules', ['unit:firewall.service'], ['file:/srv/rules']],
    ['its own unit', '/etc/systemd/system/firewall.service', ['unit:firewall.service'], []],
    ['fail2ban', '/etc/fail2ban/jail.d/x.conf', ['jail:sshd'], []],
  ])('keeps it together also with what is unknown until the command has run: %s', (_, path, owns, relies) => {
    const known = new Inquiry(questionsOf([], false)).read(
      frames(`${frame('doors', '')}${frame('sensitive', '')}@@aa observed\n`, 'aa'),
    )!;
    const decided = (...tasks: Task[]) => plan(tasks, known, FACTS, false).map(({ decision }) => decision);
    const file = task('file', plain, writes(path), relies);
    const unit = task('unit', plain, OK, owns, ['file:/made', ...relies]);
    const made = (verdict: Verdict) => task('run', barrier, verdict, ['file:/made']);
    for (const verdict of [CHANGE, GUARDED])
      expect(decided(file, made(verdict), unit)).toMatchObject([
        {
          status: 'blocked',
          reason: `${path} could cut you off, and unit has it read only after the command run, so no login could prove it before: move run above file`,
        },
        { status: 'blocked' },
        { status: 'unknown', until: 'run' },
      ]);
    expect(decided(made(CHANGE), file, unit)).toMatchObject([
      { status: 'change' },
      { status: 'change' },
      { status: 'unknown' },
    ]);
    expect(decided(file, task('run', barrier, CHANGE), unit)).toMatchObject([
      { status: 'change' },
      { status: 'change' },
      { status: 'ok' },
    ]);
  });

  it('does not guess below a pending barrier, even where all looks well', () => {
    const [, second] = decide(
      task('install', packages, CHANGE, ['package:x']),
      task('b', plain, OK, [], ['package:x']),
    );
    expect(second).toMatchObject({ status: 'unknown', until: 'install' });
  });

  it('promises what an earlier task will have made, never what a barrier may bring', () => {
    const verdict = (promised: (key: Key) => boolean) => (promised('file:/x') ? CHANGE : needs('file:/x'));
    expect(decide(task('a', plain, CHANGE, ['file:/x']), task('b', plain, verdict))[1]).toMatchObject({
      status: 'change',
    });
    expect(decide(task('a', barrier, CHANGE, ['file:/x']), task('b', plain, verdict))[1]).toMatchObject({
      status: 'unknown',
    });
    expect(decide(task('b', plain, verdict), task('a', plain, CHANGE, ['file:/x']))[0]).toMatchObject({
      status: 'blocked',
    });
  });
});

describe('nextWave', () => {
  const wave = (...tasks: Task[]) => nextWave(plan(tasks, seen, FACTS, false)).map(({ task: { id } }) => id);

  it('is everything pending where no barrier is', () => {
    expect(wave(task('a', plain, CHANGE), task('b', plain, OK), task('c', plain, GUARDED))).toEqual([
      'a',
      'c',
    ]);
  });

  it('ends before a pending command, which is a wave of its own', () => {
    const [run, c] = [task('run', barrier, CHANGE), task('c', plain, CHANGE)];
    expect(wave(task('a', plain, CHANGE), run, c)).toEqual(['a']);
    expect(wave(task('a', plain, OK), run, c)).toEqual(['run']);
    expect(wave(task('g', plain, GUARDED), run, c)).toEqual(['g']);
  });

  it('installs no package before the command that makes it known', () => {
    const [p, run, q] = [
      task('p', packages, CHANGE),
      task('run', barrier, CHANGE),
      task('q', packages, CHANGE),
    ];
    expect(wave(p, run, q)).toEqual(['p']);
    expect(wave(run, q)).toEqual(['run']);
  });

  it('says of a server that its installation does not start, and no task, when it will be', () => {
    const install: Verdict = { ...CHANGE, changes: [{ kind: 'install-packages', names: ['ufw', 'mc'] }] };
    const notes = (...tasks: Task[]) => decide(task('install', packages, install), ...tasks)[0]?.notes;
    expect(notes()).toEqual([expect.stringMatching(/^the servers of ufw could let nobody in/)]);
    expect(notes(task('service', plain, OK, [], ['package:ufw']))).toEqual([]);
  });

  it('refuses what no host could undo by itself', () => {
    const changes = [{ kind: 'set-attributes', path: '/usr/bin/dash', mode: '0600', summary: '' }] as const;
    expect(decide(task('a', plain, { ...CHANGE, changes }))[0]).toMatchObject({
      status: 'blocked',
      reason: expect.stringMatching(/^\/usr\/bin\/dash is what the host would need to undo/),
    });
  });

  it('installs all packages at once and leaves guarded changes for later', () => {
    expect(
      wave(
        task('p', packages, CHANGE),
        task('g', plain, GUARDED),
        task('c', plain, CHANGE),
        task('q', packages, CHANGE),
      ),
    ).toEqual(['p', 'q']);
  });

  it('leaves guarded changes for later, too, where what others bring may be guarded as well', () => {
    const [made, g] = [task('made', plain, CHANGE, ['file:/x']), task('g', plain, GUARDED)];
    const later = (key: Key) => task('after', plain, needs(key), [], [key]);
    expect(wave(g, made, later('file:/x'))).toEqual(['made']);
    expect(wave(g, made, later('file:/other'))).toEqual(['g', 'made']);
    expect(wave(task('g', plain, GUARDED, ['file:/x']), task('a', plain, CHANGE), later('file:/x'))).toEqual([
      'g',
      'a',
    ]);
  });

  it('does not wait for a guarded command', () => {
    expect(wave(task('a', plain, CHANGE), task('run', barrier, GUARDED))).toEqual(['a', 'run']);
  });
});
