/** So many hosts are worked on at a time; the next one in turn gets a slot that is given back. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  /** Lends the slot to others for the time of something that is nothing but waiting. */
  async lend(waiting: () => Promise<void>): Promise<void> {
    this.give();
    try {
      await waiting();
    } finally {
      await this.take();
    }
  }
}

/**
 * Runs `work` on every item that gets a slot, in their order; the results stand in the same. Once `signal` is aborted
 * no further item is begun: those have no result.
 */
export async function forEachHost<T, R>(
  items: readonly T[],
  slots: Slots,
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const results: R[] = [];
  await Promise.all(
    items.map(async (item, index) => {
      await slots.take();
      try {
        if (!signal?.aborted) results[index] = await work(item);
      } finally {
        slots.give();
      }
    }),
  );
  return results;
}
