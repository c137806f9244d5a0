import type { HostResult } from '../../report/result.ts';
import type { Task } from '../../tasks/task.ts';
import type { Reached, Target, Transport } from '../../transport/transport.ts';
import { TransportError } from '../../transport/transport.ts';
import { look } from '../look.ts';
import { Inquiry } from '../observe.ts';
import { diagnose, type Examination, QUESTIONS } from './diagnose.ts';
import { statusOf, tasksOf } from './outcome.ts';

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
    const host = transport;
    const sent = Date.now() / 1000;
    const seen = await look(target.name, new Inquiry(QUESTIONS), host, {
      onStdout: () => {
        answered = true;
      },
      ...(signal ? { signal } : {}),
    });
    examination = { seen, asked: { sent, received: Date.now() / 1000 }, tasks };
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
