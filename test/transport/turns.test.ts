import { setImmediate as settled } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { turns } from '../../src/transport/turns.ts';

/** An act that ends when it is told to. */
function act() {
  let begun = false;
  let end = (_how: 'well' | 'badly') => {};
  const over = new Promise<string>((resolve, reject) => {
    end = (how) => (how === 'well' ? resolve('done') : reject(new Error('failed')));
  });
  return {
    begun: () => begun,
    end: (how: 'well' | 'badly' = 'well') => end(how),
    run: () => {
      begun = true;
      return over;
    },
  };
}

test('one after another', async () => {
  const inTurn = turns();
  const [first, second] = [act(), act()];
  const [one, two] = [inTurn(first.run), inTurn(second.run)];
  await settled();
  expect([first.begun(), second.begun()]).toEqual([true, false]);
  first.end();
  expect(await one).toBe('done');
  await settled();
  expect(second.begun()).toBe(true);
  second.end();
  expect(await two).toBe('done');
});

test('what is given up while it waits is told so at once, and neither runs nor holds up the next', async () => {
  const inTurn = turns();
  const [first, second, third] = [act(), act(), act()];
  const giveUp = new AbortController();
  const one = inTurn(first.run);
  const two = inTurn(second.run, giveUp.signal);
  const three = inTurn(third.run);
  await settled();
  giveUp.abort();
  expect(await two).toBeUndefined();
  await settled();
  expect(third.begun()).toBe(false);
  first.end();
  await one;
  await settled();
  expect([second.begun(), third.begun()]).toEqual([false, true]);
  third.end();
  expect(await three).toBe('done');
});

test('what was given up before does not run, though nobody is before it', async () => {
  const one = act();
  expect(await turns()(one.run, AbortSignal.abort())).toBeUndefined();
  expect(one.begun()).toBe(false);
});

test('what runs keeps its turn until it has ended, given up or not', async () => {
  const inTurn = turns();
  const [first, second] = [act(), act()];
  const giveUp = new AbortController();
  const one = inTurn(first.run, giveUp.signal);
  const two = inTurn(second.run);
  await settled();
  giveUp.abort();
  await settled();
  expect(second.begun()).toBe(false);
  first.end();
  expect(await one).toBe('done');
  await settled();
  expect(second.begun()).toBe(true);
  second.end();
  await two;
});

test('whatever fails or is given up, never two at once, in order, and all come to an end', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          fails: fc.boolean(),
          takes: fc.nat(3),
          // after so many steps, which may be before, during or after its turn
          givenUp: fc.option(fc.nat(12), { nil: undefined }),
        }),
        { maxLength: 8 },
      ),
      async (plans) => {
        const inTurn = turns();
        let running = 0;
        let most = 0;
        const order: number[] = [];
        const ends = plans.map(({ fails, takes, givenUp }, index) => {
          const giveUp = new AbortController();
          const steps = async (count: number) => {
            for (let step = 0; step < count; step++) await settled();
          };
          if (givenUp !== undefined) void steps(givenUp).then(() => giveUp.abort());
          return inTurn(async () => {
            order.push(index);
            most = Math.max(most, ++running);
            await steps(takes);
            running--;
            if (fails) throw new Error('failed');
            return 'done';
          }, giveUp.signal).catch(() => 'failed');
        });
        const results = await Promise.all(ends);
        expect(most).toBeLessThanOrEqual(1);
        expect(order).toEqual(results.flatMap((result, index) => (result === undefined ? [] : [index])));
        results.forEach((result, index) => {
          const { fails, givenUp } = plans[index]!;
          if (result === undefined) expect(givenUp).toBeDefined();
          else expect(result).toBe(fails ? 'failed' : 'done');
        });
      },
    ),
    { numRuns: 50 },
  ));
