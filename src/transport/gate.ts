import { lookup } from 'node:dns/promises';
import { failure, interrupted, type Where } from './errors.ts';
import { TransportError } from './transport.ts';

/** Decides when a connection is opened. `way` names the stop and those before it: a host sees where one comes from. */
export interface Gate {
  /** Before the first packet; resolves when it may be sent, or when the run was interrupted. */
  admit(way: string, where: Where, signal?: AbortSignal | undefined): Promise<void>;
  /** The packets were not answered. Gives what else there is to say of that, or ''. */
  unanswered(way: string, where: Where): Promise<string>;
}

type Stops = readonly { readonly where: Where }[];

/** The name of the way to the last of these stops: one, by whatever name a host is called. */
export async function wayTo(stops: Stops): Promise<string> {
  const addresses = stops.map(({ where }, index) =>
    // past a jump host it is that one which looks names up
    index === 0 ? addressOf(where.address) : where.address,
  );
  return (await Promise.all(addresses)).map((one, index) => `${one} ${stops[index]!.where.port}`).join(', ');
}

/** Of several always the same one. */
async function addressOf(name: string): Promise<string> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return (
    found
      .map(({ family, address }) => `${family} ${address}`)
      .sort()[0]
      ?.slice(2) ?? name
  );
}

/** Opens a connection to a stop when the gate lets it, and tells the gate where nobody answered. */
export async function throughGate<T>(
  gate: Gate | undefined,
  stops: Stops,
  signal: AbortSignal | undefined,
  open: () => Promise<T>,
): Promise<T> {
  const { where } = stops.at(-1)!;
  const way = await wayTo(stops);
  await gate?.admit(way, where, signal);
  if (signal?.aborted) throw interrupted(where);
  try {
    return await open();
  } catch (error) {
    if (!gate || !(error instanceof TransportError)) throw error;
    // whoever gives up early may have been dropped as well
    if (error.reason !== 'timeout' && error.reason !== 'interrupted') throw error;
    // ssh makes the whole way at once, and tells where it ended
    const end = stops.findIndex((stop) => stop.where.hop === error.hop);
    const silent = end < 0 ? stops : stops.slice(0, end + 1);
    const more = await gate.unanswered(await wayTo(silent), silent.at(-1)!.where);
    throw error.reason === 'timeout'
      ? failure('timeout', silent.at(-1)!.where, `${error.message} ${more}`.trimEnd(), error.cause)
      : error;
  }
}
