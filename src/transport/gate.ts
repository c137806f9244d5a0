import { failure, interrupted, type Where } from './errors.ts';
import { TransportError } from './transport.ts';

/** Decides when a connection is opened. `way` names the stop and those before it: a host sees where one comes from. */
export interface Gate {
  /** Before the first packet; resolves when it may be sent, or when the run was interrupted. */
  admit(way: string, where: Where, signal?: AbortSignal | undefined): Promise<void>;
  /** The packets were not answered. Gives what else there is to say of that, or ''. */
  unanswered(way: string, where: Where): Promise<string>;
}

/** The name of the way to the last of these stops. */
export const wayTo = (stops: readonly { readonly where: Where }[]): string =>
  stops.map(({ where }) => `${where.address} ${where.port}`).join(', ');

/** Opens a connection to a stop when the gate lets it, and tells the gate where nobody answered. */
export async function throughGate<T>(
  gate: Gate | undefined,
  stops: readonly { readonly where: Where }[],
  signal: AbortSignal | undefined,
  open: () => Promise<T>,
): Promise<T> {
  const { where } = stops.at(-1)!;
  const way = wayTo(stops);
  await gate?.admit(way, where, signal);
  if (signal?.aborted) throw interrupted(where);
  try {
    return await open();
  } catch (error) {
    if (!gate || !(error instanceof TransportError)) throw error;
    // whoever gives up early may have been dropped as well
    if (error.reason !== 'timeout' && error.reason !== 'interrupted') throw error;
    const more = await gate.unanswered(way, where);
    throw error.reason === 'timeout'
      ? failure('timeout', where, `${error.message} ${more}`.trimEnd(), error.cause)
      : error;
  }
}
