import { lookup as resolve } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { failure, interrupted, type Where } from './errors.ts';
import { TransportError } from './transport.ts';

/** Decides when a connection is opened. `way` names the stop and those before it: a host sees where one comes from. */
export interface Gate {
  /** Before the first packet; resolves when it may be sent, or when the run was interrupted. */
  admit(way: string, where: Where, signal?: AbortSignal | undefined): Promise<void>;
  /** The packets were not answered. Gives what else there is to say of that, or ''. */
  unanswered(way: string, where: Where): Promise<string>;
}

type Stops = readonly {
  readonly where: Where;
  readonly settings?: { readonly proxyCommand?: string | undefined };
}[];

/** The name of the way to the last of these stops: one, by whatever name a host is called. */
export async function wayTo(stops: Stops, signal?: AbortSignal, names: Names = known): Promise<string> {
  const addresses = stops.map(({ where, settings }, index) =>
    // past a jump host it is that one which looks names up, and a proxy may know some that nobody else does
    index === 0 && settings?.proxyCommand === undefined ? names(where.address, signal) : where.address,
  );
  return (await Promise.all(addresses)).map((one, index) => `${one} ${stops[index]!.where.port}`).join(', ');
}

/** The address of a host, or its name where nobody tells that soon. */
type Names = (name: string, signal: AbortSignal | undefined) => Promise<string>;
type Lookup = (name: string) => Promise<readonly { readonly family: number; readonly address: string }[]>;

/** Looks each name up once: a host keeps its address for a run, and may be waiting for the connection. */
export function namesOf(lookup: Lookup, patience: number): Names {
  const asked = new Map<string, Promise<string>>();
  return async (name, signal) => {
    const address = asked.get(name) ?? Promise.race([addressOf(name, lookup), after(patience, name)]);
    asked.set(name, address);
    return signal ? until(signal, address, name) : address;
  };
}

const known = namesOf((name) => resolve(name, { all: true }), 2000);

/** Of several always the same one. */
async function addressOf(name: string, lookup: Lookup): Promise<string> {
  const found = await lookup(name).catch(() => []);
  return (
    found
      .map(({ family, address }) => `${family} ${address}`)
      .sort()[0]
      ?.slice(2) ?? name
  );
}

// nothing waits for it at the end of the program
const after = (milliseconds: number, name: string): Promise<string> =>
  sleep(milliseconds, name, { ref: false });

/** What comes, or the name once the signal gives it up. */
function until(signal: AbortSignal, address: Promise<string>, name: string): Promise<string> {
  let end = () => {};
  const given = new Promise<string>((done) => {
    end = () => done(name);
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });
  return Promise.race([address, given]).finally(() => signal.removeEventListener('abort', end));
}

/** Opens a connection to a stop when the gate lets it, and tells the gate where nobody answered. */
export async function throughGate<T>(
  gate: Gate | undefined,
  stops: Stops,
  signal: AbortSignal | undefined,
  open: () => Promise<T>,
): Promise<T> {
  if (!gate) return open();
  const { where } = stops.at(-1)!;
  await gate.admit(await wayTo(stops, signal), where, signal);
  if (signal?.aborted) throw interrupted(where);
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    // whoever gives up early may have been dropped as well
    if (error.reason !== 'timeout' && error.reason !== 'interrupted') throw error;
    // ssh makes the whole way at once, and tells where it ended
    const end = stops.findIndex((stop) => stop.where.hop === error.hop);
    const silent = end < 0 ? stops : stops.slice(0, end + 1);
    const more = await gate.unanswered(await wayTo(silent, signal), silent.at(-1)!.where);
    throw error.reason === 'timeout'
      ? failure('timeout', silent.at(-1)!.where, `${error.message} ${more}`.trimEnd(), error.cause)
      : error;
  }
}
