import { randomBytes } from 'node:crypto';
import type { HostResult } from '../../report/result.ts';
import { frames, script } from '../../shell/frame.ts';
import type { Task } from '../../tasks/task.ts';
import type { Reached, Target, Transport } from '../../transport/transport.ts';
import { TransportError } from '../../transport/transport.ts';
import { Inquiry, observation } from '../observe.ts';
import { diagnose, type Examination, QUESTIONS } from './diagnose.ts';
import { statusOf, tasksOf } from './outcome.ts';

/** Seconds without a word after which a host is given up: each probe has 30. */
const LOOKING = 90;

export interface Patient {
  readonly target: Target;
  readonly tasks: readonly Task[];
  /** Opens the one connection. */
  readonly connect: (onReached: (reached: Reached) => void) => Promise<Transport>;
  readonly signal?: AbortSignal;
}

/** Tries once to reach a host, asks it everything in one exec, and says what stands in the way. Changes nothing. */
export async function examine({ target, tasks, connect, signal }: Patient): Promise<HostResult> {
  const started = Date.now();
  const reached: Reached[] = [];
  let answered = false;
  let transport: Transport | undefined;
  let examination: Examination | undefined;
  let error: TransportError | undefined;
  try {
    transport = await connect((one) => reached.push(one));
    const inquiry = new Inquiry(QUESTIONS);
    const nonce = randomBytes(8).toString('hex');
    const sent = Date.now() / 1000;
    const output = await transport.run(script(observation(inquiry, nonce)), {
      silence: LOOKING,
      onStdout: () => {
        answered = true;
      },
      ...(signal ? { signal } : {}),
    });
    const seen = inquiry.read(frames(output.stdout, nonce));
    if (seen) examination = { seen, asked: { sent, received: Date.now() / 1000 }, tasks };
    else
      error = new TransportError(
        'lost',
        target.name,
        `${target.name} did not finish answering (exit status ${output.code}). Try again; if it stays so, log in by hand and run: sudo true`,
      );
  } catch (thrown) {
    if (!(thrown instanceof TransportError)) throw thrown;
    error = thrown;
  } finally {
    await transport?.close();
  }
  const diagnosis = diagnose({ target, reached, answered, ...(error ? { error } : {}) }, examination);
  const counts = transport?.counts ?? {
    connections: reached.some(({ milestone }) => milestone === 'connected') ? 1 : 0,
    execs: 0,
  };
  return {
    name: target.name,
    address: target.address,
    status: statusOf(diagnosis, examination !== undefined),
    roundTrips: counts.execs,
    connections: counts.connections,
    durationMs: Date.now() - started,
    tasks: tasksOf(diagnosis),
  };
}
