import { setTimeout as sleep } from 'node:timers/promises';
import type { Facts } from '../probes/facts.ts';
import { firewallProbe } from '../probes/firewall.ts';
import { ask } from '../probes/probe.ts';
import type { Limit } from '../tasks/iptables/chain.ts';
import { declaredSessions, type SessionLimit, sessionsAdmitted } from '../tasks/iptables/sessions.ts';
import type { Task } from '../tasks/task.ts';
import type { Where } from '../transport/errors.ts';
import type { Gate } from '../transport/gate.ts';
import type { Observations } from './observe.ts';
import {
  afterLook,
  afterSilence,
  current,
  type Memory,
  memoryOf,
  opening,
  sentence,
  type Wait,
  waitFor,
  without,
} from './pace.ts';
import type { SharedState } from './shared-state.ts';

export interface PacerOptions {
  readonly state: SharedState;
  readonly tasks: readonly Task[];
  /** Those of a jump host that is a host of the inventory as well. */
  readonly tasksOf?: (hop: Where) => readonly Task[] | undefined;
  /** Connections that the run may need before it can wait again: one, and one that confirms. */
  readonly connections: 1 | 2;
  /** One line about what is waited for. */
  readonly progress: (line: string) => void;
  /** The state cannot be used: runs are not paced, and go on. */
  readonly unusable: (error: unknown) => void;
  /** Lets other hosts be worked on during something that is nothing but waiting. */
  readonly lend: (waiting: () => Promise<void>) => Promise<void>;
}

/** Lets one host's connections through as its own limits do, by what all runs from here remember of it. */
export class Pacer implements Gate {
  readonly #options: PacerOptions;
  /** By the ways that were gone: when another connection was reckoned with that is still to be made. */
  readonly #reserved = new Map<string, number | undefined>();
  #last: { readonly way: string; readonly port: number } | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  async admit(way: string, where: Where, signal?: AbortSignal | undefined): Promise<void> {
    const { progress, lend } = this.#options;
    const { port = 22, hop } = where;
    await this.#looking;
    // whoever waits asks anew: another run may have been faster, or have been dropped
    for (;;) {
      const wait = await this.#reckon(way, where);
      if (!wait) break;
      progress(sentence(wait, hop));
      const pause = () =>
        sleep(wait.ms, undefined, { ...(signal && { signal }) }).then(
          () => {},
          () => {},
        );
      // a host in the middle of a job could not wait for its slot back
      await (this.#reserved.has(way) ? pause() : lend(pause));
      if (signal?.aborted) return;
    }
    this.#last = { way, port };
  }

  /** Takes what a connection needs, unless it has to wait. */
  async #reckon(way: string, where: Where): Promise<Wait | undefined> {
    const again = this.#reserved.has(way);
    const reserved = this.#reserved.get(way);
    const needed = again ? 1 : this.#options.connections;
    let wait: Wait | undefined;
    const at = await this.#update(way, (before, now) => {
      const declared = this.#declared(where, before);
      const memory = where.hop === undefined ? { ...before, declared } : before;
      const open = reserved === undefined ? memory : without(memory, reserved);
      // a host in the middle of a job waits for its own run, which comes again once and not more
      const heard = again ? { ...open, unanswered: undefined } : open;
      wait = waitFor(heard, declared, now, needed);
      return wait ? memory : opening(open, now, needed);
    });
    if (wait && at !== undefined) return wait;
    this.#reserved.set(way, needed > 1 ? at : undefined);
    return undefined;
  }

  async unanswered(way: string, where: Where): Promise<string> {
    let limits: readonly SessionLimit[] | undefined;
    await this.#update(way, (memory, now) => {
      // a run may have loaded since what it declares
      const known = [memory.looked?.limits ?? [], this.#declared(where, memory)].find(
        ({ length }) => length > 0,
      );
      limits = known ?? (memory.looked ? [] : undefined);
      return { ...memory, unanswered: now };
    });
    return afterSilence(limits, where.hop);
  }

  /** Remembers what the host limits, where it was asked for that. */
  looked(seen: Observations, { operator }: Facts): void {
    const firewall = seen.get(ask(firewallProbe, 'firewall' as const));
    if (!this.#last || firewall.state === 'unreadable') return;
    const { way, port } = this.#last;
    const limits = firewall.state === 'absent' ? [] : sessionsAdmitted(firewall.value, operator, port);
    if (!limits) return;
    this.#looking = this.#looking.then(() =>
      this.#update(way, (memory, now) => afterLook(memory, limits, now)),
    );
  }

  /** At the end of a run: nothing is reckoned with any more. */
  async close(): Promise<void> {
    await this.#looking;
    for (const [way, at] of this.#reserved)
      if (at !== undefined) await this.#update(way, (memory) => without(memory, at));
    this.#reserved.clear();
  }

  /** What counts as long as nobody has looked. */
  #declared(where: Where, { declared }: Memory): readonly SessionLimit[] {
    const { tasks, tasksOf } = this.#options;
    const { port = 22, hop } = where;
    const known = hop === undefined ? tasks : tasksOf?.(where);
    if (!known && declared) return declared;
    return (known ?? tasks).flatMap(({ type, params }) =>
      type.type === 'iptables_recent' && !type.removes
        ? declaredSessions(params.limits as readonly Limit[], port)
        : [],
    );
  }

  /** The time of the change; undefined if nothing can be remembered. */
  async #update(way: string, change: (memory: Memory, now: number) => Memory): Promise<number | undefined> {
    let now = 0;
    try {
      await this.#options.state.update(way, (old) => {
        now = Date.now();
        return change(current(memoryOf(old), now), now);
      });
      return now;
    } catch (error) {
      this.#options.unusable(error);
      return undefined;
    }
  }
}
