import { spawnSync } from 'node:child_process';
import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { thisHolder } from '../../src/engine/holder.ts';
import { HostRun } from '../../src/engine/host.ts';
import type { HostResult } from '../../src/report/result.ts';
import { defineTask, type Task, type Verdict } from '../../src/tasks/task.ts';
import {
  type Output,
  type RunOptions,
  type Transport,
  TransportError,
} from '../../src/transport/transport.ts';
import { NO_REMOVAL } from '../tasks/context.ts';

const CHANGE: Verdict = {
  verdict: 'change',
  reason: 'it differs',
  changes: [{ kind: 'run-command', command: ':' }],
};
const OK: Verdict = { verdict: 'ok', reason: 'fine' };

/** A task that says one thing after the other: at the first look, at the second, and so on; the last for good. */
function task(id: string, verdicts: readonly Verdict[], barrier = false): Task {
  let look = 0;
  return {
    id,
    name: id,
    tags: [],
    params: {},
    source: 'x:1:1',
    local: new Map(),
    type: defineTask({
      type: 'fake',
      summary: '',
      barrier,
      schema: Type.Object({}),
      owns: () => [],
      questions: () => ({}),
      removal: NO_REMOVAL,
      plan: () => verdicts[Math.min(look++, verdicts.length - 1)]!,
    }),
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const FACTS = `probe facts ${base64('id=debian\nrelease=12\noperator=192.0.2.1\nsystemd=yes\n\n0')}`;
/** harden never ran there. */
const NO_RUN = `probe latest-run ${base64('\n0')}`;
const DOORS = `probe doors ${base64('\n0')}`;
const SEEN = [FACTS, DOORS, NO_RUN, 'observed'];
const done = (steps: number) =>
  Array.from({ length: steps }, (_, step) => [`step ${step} start`, `step ${step} 0 =`]).flat();

/** What a host says to one script: frames, and perhaps that the connection ends then. */
type Answer = { readonly says: readonly string[]; readonly lost?: boolean; readonly unsent?: boolean };

/** A host that answers script after script, over whatever connection; and what it was sent. */
function fakeHost(
  answers: readonly Answer[],
  connections: readonly ('open' | 'refused')[] = [],
  /** Interrupts the run when its first job begins. */
  stop?: AbortController,
) {
  const left = [...answers];
  const opens = [...connections];
  const sent: string[] = [];
  const progress: string[] = [];
  const pauses: number[] = [];
  let asked = false;
  const connect = async (): Promise<Transport> => {
    if (opens.shift() === 'refused') throw new TransportError('refused', 'h', 'It refused.');
    return {
      counts: { connections: 1, execs: 0 },
      async run(script: string, { onStdout, ...options }: RunOptions = {}): Promise<Output> {
        sent.push(script);
        if (sent.length === 2) stop?.abort();
        asked ||= options.stop?.aborted === true;
        const nonce = /@@([0-9a-f]+) %s/.exec(script)?.[1];
        const { says, lost, unsent = false } = left.shift()!;
        const bytes = (lines: readonly string[]) =>
          Buffer.from(lines.map((line) => `@@${nonce} ${line}\n`).join(''));
        // a job that waits says no more until it is confirmed
        const pause = says.findIndex((line) => line.startsWith('guard waiting')) + 1;
        if (pause > 0) onStdout?.(bytes(says.slice(0, pause)));
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (says.length > pause) onStdout?.(bytes(says.slice(pause)));
        const stdout = bytes(says);
        if (lost) throw new TransportError('lost', 'h', 'It was cut.', { unsent });
        return { stdout, stderr: Buffer.alloc(0), code: 0 };
      },
      async close() {},
    };
  };
  const run = (...tasks: Task[]) =>
    new HostRun({ name: 'h', address: 'h', connection: 'ssh', become: true }, tasks, {
      connect,
      command: 'apply',
      confirmTimeout: 60,
      holder: { who: 'test', mark: 'test/1' },
      progress: (line) => progress.push(line),
      stop: stop?.signal,
      pause: async (seconds) => void pauses.push(seconds),
    });
  return { run, sent, progress, pauses, wasAsked: () => asked };
}

async function apply(host: ReturnType<typeof fakeHost>, ...tasks: Task[]) {
  const run = host.run(...tasks);
  await run.check(true);
  const result = await run.apply();
  return { ...result, byId: Object.fromEntries(result.tasks.map((one) => [one.id, one])) };
}

describe('a run on one host', () => {
  it('proves what it applied by looking again', async () => {
    const host = fakeHost([{ says: SEEN }, { says: [...done(1), ...SEEN] }]);
    const { status, byId } = await apply(host, task('a', [CHANGE, OK]));
    expect({ status, a: byId.a }).toMatchObject({
      status: 'changed',
      a: { status: 'changed', reason: 'it differs' },
    });
  });

  it('takes back what a later wave undid again', async () => {
    const host = fakeHost([{ says: SEEN }, { says: [...done(1), ...SEEN] }, { says: [...done(1), ...SEEN] }]);
    const { status, byId } = await apply(
      host,
      task('a', [CHANGE, OK, CHANGE]),
      task('b', [CHANGE, CHANGE, OK], true),
    );
    expect(status).toBe('failed');
    expect(byId.a).toMatchObject({
      status: 'failed',
      reason: 'it was applied and proven, but a later step changed it again: it differs',
    });
    expect(byId.b?.status).toBe('changed');
  });

  it('applies what a later wave made different, if it was as wanted before', async () => {
    const waves = [SEEN, [...done(1), ...SEEN], [...done(1), ...SEEN]].map((says) => ({ says }));
    const { status, byId } = await apply(
      fakeHost(waves),
      task('b', [CHANGE, OK], true),
      task('a', [OK, CHANGE, OK]),
    );
    expect(status).toBe('changed');
    expect([byId.a?.status, byId.b?.status]).toEqual(['changed', 'changed']);
  });

  it.each([
    ['locked', `locked ${base64('ann')}=`, 'locked', /by another run \(ann\)/],
    [
      'locked by itself',
      `locked ${base64('test')}=`,
      'locked',
      /a second name of a host that this very run is changing/,
    ],
    ['refused', `refused ${base64('no space')}=`, 'failed', /could not begin the run: no space\./],
  ])('says what stands when a wave is %s', async (_, frame, status, reason) => {
    const first = await apply(fakeHost([{ says: SEEN }, { says: [frame] }]), task('a', [CHANGE]));
    expect(first.status).toBe(status);
    expect(first.reason).toMatch(reason);
    expect(first.reason).toContain('This run changed nothing.');
    expect(first.byId.a?.status).toBe('skipped');

    const second = await apply(
      fakeHost([{ says: SEEN }, { says: [...done(1), ...SEEN] }, { says: [frame] }]),
      task('a', [CHANGE, OK]),
      task('b', [CHANGE], true),
    );
    expect(second.status).toBe(status);
    expect(second.reason).toContain('What it had applied and proven before that stands.');
    expect([second.byId.a?.status, second.byId.b?.status]).toEqual(['changed', 'skipped']);
  });

  const GUARDED: Verdict = {
    ...CHANGE,
    changes: [{ kind: 'run-command', command: ':', guarded: true }],
  };
  const WAITING = [...done(2), 'guard armed', 'guard waiting 60'];

  it('confirms over a connection of its own', async () => {
    const host = fakeHost([
      { says: SEEN },
      { says: [...WAITING, 'guard confirmed', ...SEEN] },
      { says: ['guard confirmed'] },
    ]);
    const { byId, connections } = await apply(host, task('g', [GUARDED, OK]));
    expect(byId.g?.status).toBe('changed');
    expect(connections).toBe(2);
    expect(host.sent[2]).toContain('/confirmed');
    expect(host.progress.at(-1)).toBe('a new login worked: you can still get in');
  });

  it('tries to confirm once more after the connection and the confirming login both failed', async () => {
    const host = fakeHost(
      [
        { says: SEEN },
        { says: WAITING, lost: true },
        { says: [...WAITING, 'guard confirmed', ...SEEN] },
        { says: ['guard confirmed'] },
      ],
      ['open', 'refused', 'open', 'open'],
    );
    const { byId } = await apply(host, task('g', [GUARDED, OK]));
    expect(byId.g?.status).toBe('changed');
    expect(host.progress.join('\n')).toMatch(
      /no new login was possible[\s\S]*connecting again[\s\S]*a new login worked: you can still get in/,
    );
  });

  it('says why the first login that was to confirm did not, whatever kept later ones away', async () => {
    const host = fakeHost(
      [
        { says: SEEN },
        { says: WAITING, lost: true },
        { says: [...WAITING, 'guard rolledback', ...SEEN] },
        { says: ['guard rolledback'] },
      ],
      ['open', 'refused', 'open', 'open'],
    );
    const { status, byId } = await apply(host, task('g', [GUARDED]));
    expect(status).toBe('rolled-back');
    expect(byId.g?.reason).toMatch(
      /^no new login was possible after it within 60 s \(it refused the connection\), so the host /,
    );
  });

  it('says that the login which was to confirm came too late', async () => {
    const host = fakeHost([
      { says: SEEN },
      { says: [...WAITING, 'guard rolledback', ...SEEN] },
      { says: ['guard rolledback'] },
    ]);
    expect((await apply(host, task('g', [GUARDED]))).byId.g?.reason).toContain(
      'no new login confirmed it within 60 s (none was tried in time, as where harden was stopped',
    );
  });

  it('does not confirm twice where the first time worked', async () => {
    const host = fakeHost([
      { says: SEEN },
      { says: WAITING, lost: true },
      { says: ['guard confirmed'] },
      { says: [...WAITING, 'guard confirmed', ...SEEN] },
    ]);
    const { byId } = await apply(host, task('g', [GUARDED, OK]));
    expect(byId.g?.status).toBe('changed');
    expect(host.sent).toHaveLength(4);
  });

  describe('that is lost for good', () => {
    const GONE = ['refused', 'refused'] as const;

    it.each([
      [
        'what it had begun goes on, and what follows does not',
        ['a', 'b'],
        '; what was to follow waits for the next harden apply',
      ],
      ['nothing was to follow', ['a'], ''],
    ])('says that %s', async (_, ids, next) => {
      const host = fakeHost([{ says: SEEN }, { says: ['step 0 start'], lost: true }], ['open', ...GONE]);
      const { status, reason, byId } = await apply(host, ...ids.map((id) => task(id, [CHANGE], true)));
      expect(status).toBe('failed');
      expect(reason).toBe(
        `It refused. Whatever this run had begun there goes on by itself and undoes what nobody confirms${next}. harden check says where the host is. If it stays away, run on its console: sh /var/lib/harden/runs/current/rollback.sh`,
      );
      expect(byId.a?.reason).toMatch(/^it was being applied when the connection ended;/);
      if (ids.includes('b'))
        expect(byId.b).toMatchObject({
          status: 'skipped',
          reason: 'not applied, since nobody saw what became of a: it differs',
        });
    });

    it('says what of a guarded command stands all the same', async () => {
      const host = fakeHost(
        [{ says: SEEN }, { says: [...done(1), 'guard armed'], lost: true }],
        ['open', ...GONE],
      );
      const { reason } = await apply(host, task('g', [GUARDED]));
      expect(reason).toBe(
        'It refused. Whatever this run had begun there goes on by itself and undoes what nobody confirms; of a command it puts firewall rules, links, addresses and routes back, and what else the command did stands. harden check says where the host is. If it stays away, run on its console: sh /var/lib/harden/runs/current/rollback.sh',
      );
    });

    it.each<[string, string[], RegExp, RegExp]>([
      [
        'of what had not begun, that it had not',
        ['step 0 start'],
        /^it was being applied when the connection ended;/,
        /^the host had not said that it began with it when the connection ended;/,
      ],
      [
        'of what was done, that it was',
        ['step 0 start', 'step 0 0 =', 'step 1 start'],
        /^it was done when the connection ended, and nobody looked at it again;/,
        /^it was being applied when the connection ended;/,
      ],
      [
        'of what nobody heard of, that it is not known',
        [],
        /^how far it came is not known, since the connection ended before the host said anything of it;/,
        /^how far it came is not known,/,
      ],
    ])('says %s', async (_, says, a, b) => {
      const host = fakeHost([{ says: SEEN }, { says, lost: true }], ['open', ...GONE]);
      const { byId } = await apply(host, task('a', [CHANGE]), task('b', [CHANGE]));
      expect(byId.a?.reason).toMatch(a);
      expect(byId.b?.reason).toMatch(b);
    });

    it('before anything could be sent, began nothing', async () => {
      const host = fakeHost([{ says: SEEN }, { says: [], lost: true, unsent: true }], ['open', ...GONE]);
      const { reason, byId } = await apply(host, task('a', [CHANGE]));
      expect(reason).toBe('It refused. This run changed nothing.');
      expect(byId.a).toMatchObject({
        status: 'skipped',
        reason: 'not applied, since the run ended before it: it differs',
      });
    });
  });

  describe('where an earlier run is not over', () => {
    const { mark } = thisHolder();
    const gone = mark.replace(/\d+$/, String(spawnSync('true').pid));
    const latest = (facts: string) => [FACTS, DOORS, `probe latest-run ${base64(`${facts}\n0`)}`, 'observed'];
    const atWork = (by: string) =>
      latest(`id=0a0a\nworking=yes\nended=no\nrolledback=no\nwho=ann@laptop\nmark=${by}\n`);

    it('follows one whose program is gone to its end, and confirms it if it waits', async () => {
      const host = fakeHost([
        { says: atWork(gone) },
        { says: ['guard armed', 'guard waiting 60', 'guard confirmed', ...SEEN] },
        { says: ['guard confirmed'] },
        { says: SEEN },
        { says: [...done(1), ...SEEN] },
      ]);
      const run = host.run(task('a', [CHANGE, CHANGE, OK]));
      const checked = await run.prepare();
      expect(checked.notes).toEqual([
        'an earlier run of yours (ann@laptop) was still at work there and has ended now',
      ]);
      expect(host.sent[1]).toContain('/var/lib/harden/runs/0a0a');
      expect(host.sent[2]).toContain('/confirmed');
      expect((await run.apply()).status).toBe('changed');
    });

    it.each<[string, Answer[], HostResult['status'], string]>([
      [
        'the connection ends before it does',
        [{ says: ['step 0 start'], lost: true }],
        'failed',
        'It refused. Whatever an earlier run had begun there goes on by itself and undoes what nobody confirms; nothing else was begun. harden check says where the host is. If it stays away, run on its console: sh /var/lib/harden/runs/current/rollback.sh',
      ],
      [
        'it cannot be followed',
        [{ says: [`refused ${base64('/var/lib/harden belongs to bob')}=`] }],
        'failed',
        '/var/lib/harden belongs to bob. Whatever an earlier run had begun there goes on by itself',
      ],
      [
        'the host cannot be looked at after it',
        [{ says: ['step 0 start'] }, { says: [], lost: true }],
        'unreachable',
        'It was cut. An earlier run was brought to its end there; nothing else was changed.',
      ],
    ])('begins nothing where %s', async (_, answers, status, reason) => {
      const host = fakeHost([{ says: atWork(gone) }, ...answers], ['open', 'refused', 'refused']);
      const run = host.run(task('a', [CHANGE]));
      const result = await run.prepare();
      expect([result.status, run.pending]).toEqual([status, false]);
      expect(result.reason).toContain(reason);
    });

    const OWES = latest(
      `id=0a0a\nworking=no\nended=no\nrolledback=yes\nundone=no\nwho=ann@laptop\nmark=${mark}\n`,
    );

    it('has one that was cut off while it was undone finish that, whoever began it', async () => {
      const host = fakeHost([
        { says: OWES },
        { says: ['guard armed', 'guard waiting 60', 'guard rolledback'] },
        { says: latest('id=0a0a\nended=yes\nrolledback=yes\nundone=yes\nwho=ann@laptop\nmark=x\n') },
        { says: [...done(1), ...SEEN] },
      ]);
      const run = host.run(task('a', [CHANGE, CHANGE, OK]));
      expect((await run.prepare()).notes).toEqual([
        'the latest run there (ann@laptop) undid what nobody had confirmed: that may be part of what is to change',
      ]);
      expect(host.progress).toEqual([
        'the host was cut off while it undid an earlier run (ann@laptop): it does that first',
      ]);
      expect(host.sent[1]).toContain('rollback.sh');
      expect((await run.apply()).status).toBe('changed');
    });

    it('begins nothing where the host cannot finish undoing one', async () => {
      const host = fakeHost([{ says: OWES }, { says: [] }, { says: OWES }]);
      const run = host.run(task('a', [CHANGE]));
      expect(await run.prepare()).toMatchObject({
        status: 'failed',
        reason:
          'h could not finish undoing an earlier run (ann@laptop), and nothing else was begun. Run on its console: sh /var/lib/harden/runs/0a0a/rollback.sh',
      });
      expect(run.pending).toBe(false);
    });

    it('leaves the run of somebody else alone', async () => {
      const host = fakeHost([{ says: atWork(mark) }]);
      expect(await host.run(task('a', [CHANGE])).prepare()).toMatchObject({
        status: 'locked',
        reason:
          'h is being changed by another run (ann@laptop). This run changed nothing. Try again when that one is over.',
      });
      expect(host.sent).toHaveLength(1);
    });

    it('says in a check that it is at work', async () => {
      const { notes } = await fakeHost([{ says: atWork(gone) }])
        .run(task('a', [CHANGE]))
        .check(false);
      expect(notes?.[0]).toMatch(/^another run is at work there \(ann@laptop\)/);
    });

    it.each([
      ['yes', '; what nobody had confirmed was undone'],
      ['no', ''],
    ])('tells what became of one that was cut off; rolled back: %s', async (rolledBack, told) => {
      const says = latest(
        `id=0a0a\nworking=no\nended=no\nrolledback=${rolledBack}\nundone=yes\nwho=ann@laptop\nmark=${gone}\n`,
      );
      const { notes } = await fakeHost([{ says }])
        .run(task('a', [OK]))
        .check(false);
      expect(notes).toEqual([
        `the latest run there (ann@laptop) was cut off before its end, as where the host was restarted${told}`,
      ]);
    });

    const CUT = latest('id=0a0a\nworking=no\nended=no\nwho=ann@laptop\nmark=x\n');
    const history = (...ids: string[]) => {
      const plan = JSON.stringify({ tasks: ids.map((id) => ({ id, reason: '', changes: [] })) });
      const wave = `wave 0a0a 1 no none 0 0 no - - - ${base64('ann@laptop')}= ${base64(plan)}=`;
      return [FACTS, NO_RUN, `probe history ${base64(`${wave}\n\n0`)}`, 'observed'];
    };
    const TOLD =
      'the latest run there (ann@laptop) was cut off before its end, as where the host was restarted';
    it.each<[string, readonly Verdict[], readonly string[][], number, string]>([
      [
        'all that it was to do is as wanted',
        [OK, OK],
        [history('a'), []],
        3,
        'the latest run there (ann@laptop) was cut off before its end: everything is as wanted, so nothing of it is left to do',
      ],
      ['it was to do more', [OK, OK], [history('a', 'z')], 2, TOLD],
      ['something is to change', [OK, CHANGE], [], 1, `${TOLD}: what it still owed shows as drift`],
      ['something is blocked', [OK, { verdict: 'blocked', reason: 'no' }], [], 1, TOLD],
    ])(
      'has the host note that nothing is left of one that was cut off, or not, where %s',
      async (_, verdicts, answers, sent, note) => {
        const host = fakeHost([CUT, ...answers].map((says) => ({ says })));
        const { notes } = await host
          .run(...verdicts.map((one, index) => task('ab'[index]!, [one])))
          .prepare();
        expect(notes).toEqual([note]);
        expect(host.sent).toHaveLength(sent);
        if (sent === 3) expect(host.sent[2]).toContain('/runs/0a0a');
      },
    );

    it('tells what became of the run before as long as it changed nothing itself', async () => {
      const says = latest('id=0a0a\nended=yes\nrolledback=yes\nundone=yes\nwho=ann@laptop\nmark=x\n');
      const run = fakeHost([{ says }, { says: [...done(1), ...SEEN] }]).run(task('a', [CHANGE, OK]));
      expect((await run.prepare()).notes).toEqual([
        'the latest run there (ann@laptop) undid what nobody had confirmed: that may be part of what is to change',
      ]);
      expect((await run.apply()).notes).toEqual([]);
    });
  });

  it('says that it takes every file for a door where those could not be seen', async () => {
    const notes = async (...says: string[]) =>
      (
        await fakeHost([{ says }])
          .run(task('a', [OK]))
          .check(false)
      ).notes;
    expect(await notes(...SEEN)).toEqual([]);
    expect(
      await notes(
        FACTS,
        NO_RUN,
        `probe doors ${base64('\n1')}`,
        `stderr M ${base64('no awk\n\nM doors\n')}=`,
        'observed',
      ),
    ).toEqual([
      'which files let you in there could not be seen (exit status 1: no awk), so a change of any file is undone unless a new login confirms it',
    ]);
  });

  it('does not claim that no run is at work where that could not be seen', async () => {
    const { notes } = await fakeHost([{ says: [FACTS, 'observed'] }])
      .run(task('a', [OK]))
      .check(false);
    expect(notes?.[0]).toMatch(/^whether another run is at work there, or was cut off, could not be seen/);
  });

  it("begins nothing where what it keeps on the host may be another user's, whatever lies there", async () => {
    const wrong = '/var/lib/harden belongs to bob, and whoever that is';
    const says = [
      FACTS,
      `probe latest-run ${base64('id=0a0a\nworking=no\npending=yes\nwho=ann\nmark=x\n\n0')}`,
      `probe own-folders ${base64(`wrong=${wrong}\nopen=\n0`)}`,
      'observed',
    ];
    const host = fakeHost([{ says }]);
    const run = host.run(task('a', [CHANGE]));
    const { status, reason } = await run.prepare();
    expect([status, run.pending, host.sent.length]).toEqual(['failed', false, 1]);
    expect(reason).toContain(`${wrong}. Look at what lies there`);
  });

  it('that is interrupted tells the job to end, and begins no further wave', async () => {
    const stop = new AbortController();
    const host = fakeHost([{ says: SEEN }, { says: [...done(1), 'stopped', ...SEEN] }], [], stop);
    const { status, byId } = await apply(host, task('a', [CHANGE, OK], true), task('b', [CHANGE], true));
    expect([host.wasAsked(), host.sent.length]).toEqual([true, 2]);
    expect(byId.a?.status).toBe('changed');
    expect(byId.b).toMatchObject({
      status: 'skipped',
      reason: 'not applied, since the run was interrupted: it differs',
    });
    expect(status).toBe('failed');
  });

  it('that cannot be reached changed nothing', async () => {
    const run = fakeHost([], ['refused']).run(task('a', [CHANGE]));
    expect(await run.check(false)).toMatchObject({
      status: 'unreachable',
      reason: 'It refused. Nothing was changed there.',
      tasks: [],
    });
  });

  it('whose first look is cut off knows nothing', async () => {
    const run = fakeHost([{ says: [FACTS] }]).run(task('a', [OK]));
    expect(await run.check(false)).toMatchObject({
      status: 'unreachable',
      reason: expect.stringContaining('h did not finish answering'),
      tasks: [],
    });
  });

  it.each([
    ['id=fedora\nrelease=40\nsystemd=yes\n', /h runs fedora 40, which is not supported/],
    ['id=debian\nrelease=12\n', /h runs debian 12 without systemd, which is not supported/],
    [
      'id=debian\nrelease=10\nsystemd=yes\n',
      /h runs debian 10, which is not supported \(Debian 11, 12 and 13, /,
    ],
    ['id=ubuntu\nrelease=23.10\nsystemd=yes\n', /h runs ubuntu 23\.10, which is not supported/],
    ['id=debian\nsystemd=yes\n', /h runs debian, which is not supported/],
    ['systemd=yes\n', /h runs an unknown distribution, which is not supported/],
  ])('is refused on what it is not made for: %j', async (facts, reason) => {
    const says = [`probe facts ${base64(`${facts}\n0`)}`, 'observed'];
    const run = fakeHost([{ says }]).run(task('a', [CHANGE]));
    const { status, reason: said } = await run.check(false);
    expect(status).toBe('failed');
    expect(said).toMatch(reason);
    expect(run.pending).toBe(false);
  });
});
