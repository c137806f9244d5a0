import type { Output, RunOptions, Transport } from '../transport/transport.ts';

/** Opens a new connection to a host; `signal` gives it up. */
export type Connect = (signal: AbortSignal | undefined) => Promise<Transport>;

/** The connections of one run to one host: one that is held, and new ones where only a new one proves something. */
export class Line {
  readonly #connect: Connect;
  /** One that is being opened counts: whoever comes meanwhile waits for it. */
  #held: Promise<Transport> | undefined;
  #counted: Transport | undefined;
  #closed = { connections: 0, execs: 0 };

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** Runs a script over the connection that is held, which the first one opens. */
  async run(script: string, options: RunOptions): Promise<Output> {
    this.#held ??= this.#open(options.signal);
    return (await this.#held).run(script, options);
  }

  /** Runs a script over a new connection, which is closed afterwards. */
  async runAnew(script: string, options: RunOptions): Promise<Output> {
    let transport: Transport | undefined;
    try {
      transport = await this.#try(options.signal);
      return await transport.run(script, options);
    } finally {
      if (transport) await this.#end(transport);
    }
  }

  async close(): Promise<void> {
    // one that could not be opened has said so to whoever wanted it
    const held = await this.#held?.catch(() => undefined);
    this.#held = undefined;
    this.#counted = undefined;
    if (held) await this.#end(held);
  }

  async #open(signal: AbortSignal | undefined): Promise<Transport> {
    try {
      this.#counted = await this.#try(signal);
      return this.#counted;
    } catch (error) {
      this.#held = undefined;
      throw error;
    }
  }

  async #try(signal: AbortSignal | undefined): Promise<Transport> {
    try {
      return await this.#connect(signal);
    } catch (error) {
      this.#closed.connections += 1;
      throw error;
    }
  }

  /** Connections, those that failed among them, and execs so far. */
  get counts(): { readonly connections: number; readonly execs: number } {
    const held = this.#counted?.counts ?? { connections: 0, execs: 0 };
    return {
      connections: this.#closed.connections + held.connections,
      execs: this.#closed.execs + held.execs,
    };
  }

  async #end(transport: Transport): Promise<void> {
    const { connections, execs } = transport.counts;
    this.#closed = {
      connections: this.#closed.connections + connections,
      execs: this.#closed.execs + execs,
    };
    await transport.close();
  }
}
