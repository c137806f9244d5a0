import { expect, test } from 'vitest';
import { Follower, type Witness } from '../../src/engine/follow.ts';
import { followScript } from '../../src/engine/follow-scripts.ts';
import { newRunId, waveId } from '../../src/engine/job.ts';
import { Line } from '../../src/engine/line.ts';
import { TransportError, type TransportFailure } from '../../src/transport/transport.ts';

const id = waveId(newRunId(), 0);
const follow = followScript(id);

interface Cut {
  readonly reason: TransportFailure;
  readonly unsent?: boolean;
}
const lost: Cut = { reason: 'lost' };
const unsent: Cut = { reason: 'lost', unsent: true };
const refused: Cut = { reason: 'refused' };
const ENDED = 'ended';

/** Follows `start` over connections that end so, one after the other; what was sent over each. */
async function sentOver(...ends: readonly (Cut | typeof ENDED)[]) {
  const sent: string[] = [];
  const line = new Line(async () => ({
    async run(script, options) {
      const end = ends[sent.length]!;
      sent.push(script === follow ? 'follow' : script);
      if (end !== ENDED)
        throw new TransportError(end.reason, 'web1', 'gone', { unsent: end.unsent ?? false });
      options?.onStdout?.(Buffer.from(`@@${id} guard confirmed\n`));
      return { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), code: 0 };
    },
    close: async () => {},
    counts: { connections: 1, execs: 1 },
  }));
  const follower = new Follower(
    { id, titles: [] },
    { line, confirmTimeout: 60, progress: () => {}, pause: async () => {} },
  );
  const outcome = await follower.follow('start').then(
    ({ guard }) => guard,
    (error: TransportError) => error.reason,
  );
  return [...sent, outcome];
}

test.each([
  [[ENDED], ['start', 'confirmed']],
  // what may have arrived is never sent twice
  [
    [lost, ENDED],
    ['start', 'follow', 'confirmed'],
  ],
  [
    [lost, refused, ENDED],
    ['start', 'follow', 'follow', 'confirmed'],
  ],
  // what cannot have arrived is: an idle line was dead before
  [
    [unsent, ENDED],
    ['start', 'start', 'confirmed'],
  ],
  [
    [unsent, refused, ENDED],
    ['start', 'start', 'start', 'confirmed'],
  ],
  [
    [unsent, lost, ENDED],
    ['start', 'start', 'follow', 'confirmed'],
  ],
  // two more connections, no third
  [
    [lost, refused, refused],
    ['start', 'follow', 'follow', 'refused'],
  ],
  // nobody was there
  [[refused], ['start', 'refused']],
] as const)('connections that end as %j', async (ends, expected) => {
  expect(await sentOver(...ends)).toEqual(expected);
});

/** Follows a job of which this was heard when the line was lost, to a host that then lets nobody in so often. */
async function waitsFor(heard: string, shut: number) {
  const waits: number[] = [];
  const told: string[] = [];
  const line = new Line(async () => ({
    async run(script, options) {
      if (script === 'start') options?.onStdout?.(Buffer.from(heard));
      if (script === 'start' || waits.length <= shut)
        throw new TransportError(script === 'start' ? 'lost' : 'timeout', 'web1', 'gone', {});
      options?.onStdout?.(Buffer.from(`@@${id} guard rolledback\n`));
      return { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), code: 0 };
    },
    close: async () => {},
    counts: { connections: 1, execs: 1 },
  }));
  const pause = async (seconds: number) => void waits.push(seconds);
  const options = { line, confirmTimeout: 15, progress: (one: string) => told.push(one), pause };
  const outcome = await new Follower({ id, titles: [] }, options).follow('start').then(
    ({ guard }) => guard,
    (error: TransportError) => error.reason,
  );
  return { waits, outcome, last: told.at(-1) };
}
const LIMIT = `@@${id} limit 195\n`;
const ARMED = `${LIMIT}@@${id} guard armed\n`;

test.each([
  ['the network only', ARMED, 0, { waits: [1], outcome: 'rolledback' }],
  ['a step that shut the host and ended', ARMED, 1, { waits: [1, 19], outcome: 'rolledback' }],
  // and a second for each look at the clock, and for undoing
  ['a step that shut the host and hangs', ARMED, 2, { waits: [1, 19, 203], outcome: 'rolledback' }],
  ['the same, before more of it was heard', LIMIT, 2, { waits: [1, 19, 203], outcome: 'rolledback' }],
  ['a host that does not come back', ARMED, 3, { waits: [1, 19, 203], outcome: 'timeout' }],
  ['a host that does not say how long', `@@${id} guard armed\n`, 2, { waits: [1, 19], outcome: 'timeout' }],
  ['a step that needs no guard', `@@${id} step 0 start\n`, 2, { waits: [1, 30], outcome: 'timeout' }],
])('a line that is lost in the middle of a guarded step: %s', async (_, heard, shut, expected) => {
  expect(await waitsFor(heard, shut)).toMatchObject(expected);
});

test('how long a step that hangs keeps a host shut is said while it does', async () => {
  expect((await waitsFor(ARMED, 2)).last).toBe(
    'nobody gets in yet: a step may hang there, which the host ends and undoes within 203 s; connecting again then',
  );
});

test('Ctrl-C while a lost line waits to be tried again: it is tried at once, and the host is told; not so a second time', async () => {
  const stop = new AbortController();
  const asked: (boolean | undefined)[] = [];
  const waits: (boolean | undefined)[] = [];
  const line = new Line(async () => ({
    async run(_script, options) {
      asked.push(options?.stop?.aborted);
      if (asked.length < 3) throw new TransportError('lost', 'web1', 'gone', {});
      return { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), code: 0 };
    },
    close: async () => {},
    counts: { connections: 1, execs: 1 },
  }));
  const pause = async (_seconds: number, ends?: AbortSignal) => {
    stop.abort();
    waits.push(!ends?.aborted);
  };
  const options = { line, confirmTimeout: 60, progress: () => {}, stop: stop.signal, pause };
  await new Follower({ id, titles: [] }, options).follow('start');
  expect({ asked, waits }).toEqual({ asked: [false, true, true], waits: [false, true] });
});

/** Follows a job on this machine itself, which waits for what the witness says. */
async function witnessed(witness: Witness, stop: AbortSignal) {
  let guard = 'rolledback';
  const over = new AbortController();
  const line = new Line(async () => ({
    async run(script, options) {
      const say = (words: string) => options?.onStdout?.(Buffer.from(`@@${id} guard ${words}\n`));
      if (script === 'start') {
        options?.stop?.addEventListener('abort', () => over.abort());
        say('waiting 60');
        if (!over.signal.aborted)
          await new Promise((resolve) => over.signal.addEventListener('abort', resolve));
        say(guard);
        return { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), code: 0 };
      }
      guard = 'confirmed';
      over.abort();
      return { stdout: Buffer.from(`@@${id} guard ${guard}\n`), stderr: Buffer.alloc(0), code: 0 };
    },
    close: async () => {},
    counts: { connections: 1, execs: 1 },
  }));
  const options = { line, confirmTimeout: 60, progress: () => {}, witness, stop };
  const journal = await new Follower({ id, titles: [] }, options).follow('start');
  return { guard: journal.guard, denied: journal.denied };
}

test.each<[string, (ctrlC: AbortController) => Witness, object]>([
  ['nobody is asked', () => 'nobody', { guard: 'confirmed' }],
  ['yes', () => async () => true, { guard: 'confirmed' }],
  ['yes, with time left to confirm it', () => async (seconds) => seconds === 55, { guard: 'confirmed' }],
  ['no', () => async () => false, { guard: 'rolledback', denied: true }],
  [
    'an interruption, which is no answer',
    (ctrlC) => async () => {
      ctrlC.abort();
      return false;
    },
    { guard: 'rolledback' },
  ],
])('whether a login works, on this machine itself: %s', async (_, witness, expected) => {
  const ctrlC = new AbortController();
  expect(await witnessed(witness(ctrlC), ctrlC.signal)).toEqual(expected);
});

test('a yes in time, and a session after it that was slow: it came too late, and was tried', async () => {
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  let end: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const line = new Line(async () => ({
    async run(script, options) {
      const stderr = Buffer.alloc(0);
      if (script !== 'start') {
        await sleep(200);
        end();
        return { stdout: Buffer.from(`@@${id} guard rolledback\n`), stderr, code: 0 };
      }
      options?.onStdout?.(Buffer.from(`@@${id} guard waiting 6\n`));
      await over;
      options?.onStdout?.(Buffer.from(`@@${id} guard rolledback\n`));
      return { stdout: Buffer.alloc(0), stderr, code: 0 };
    },
    close: async () => {},
    counts: { connections: 1, execs: 1 },
  }));
  // leaves 0.3 s to answer
  const witness = async () => {
    await sleep(200);
    return true;
  };
  const options = { line, confirmTimeout: 5.3, progress: () => {}, witness };
  const { late } = await new Follower({ id, titles: [] }, options).follow('start');
  expect(late).toBe('the first that worked came too late');
});
