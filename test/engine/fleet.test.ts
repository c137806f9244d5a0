import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forEachHost, Slots } from '../../src/engine/fleet.ts';

describe('forEachHost', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [9, 5],
  ])('works on at most %i at a time, and keeps the order', async (limit, most) => {
    let now = 0;
    let peak = 0;
    const results = await forEachHost([5, 4, 3, 2, 1], new Slots(limit), async (wait) => {
      peak = Math.max(peak, ++now);
      await sleep(wait * 2);
      now--;
      return wait * 10;
    });
    expect(results).toEqual([50, 40, 30, 20, 10]);
    expect(peak).toBe(most);
  });

  it('has nothing to do with nothing', async () =>
    expect(await forEachHost([], new Slots(3), async () => 1)).toEqual([]));

  it('ends those that are begun, and begins no other, when it is interrupted', async () => {
    const abort = new AbortController();
    const begun: number[] = [];
    const results = await forEachHost(
      [1, 2, 3, 4],
      new Slots(2),
      async (item) => {
        begun.push(item);
        await sleep(5);
        abort.abort();
        return item;
      },
      abort.signal,
    );
    expect(begun).toEqual([1, 2]);
    expect(results).toEqual([1, 2]);
  });

  it('lets others go on while one does nothing but wait', async () => {
    const slots = new Slots(1);
    const told: string[] = [];
    await forEachHost(['waits', 'works', 'too'], slots, async (item) => {
      told.push(item);
      if (item === 'waits') await slots.lend(() => sleep(20));
      told.push(`${item} on`);
    });
    expect(told).toEqual(['waits', 'works', 'works on', 'too', 'too on', 'waits on']);
  });

  it('passes an error on', async () =>
    expect(
      forEachHost([1], new Slots(1), async () => {
        throw new Error('a bug');
      }),
    ).rejects.toThrow('a bug'));
});
