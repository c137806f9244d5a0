import { expect, test } from 'vitest';
import { Follower } from '../../src/engine/follow.ts';
import { newRunId, waveId } from '../../src/engine/job.ts';
import { Line } from '../../src/engine/line.ts';
import { followScript } from '../../src/engine/visit.ts';
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
