import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AfterMark } from '../../src/transport/run-script.ts';
import { signalNumber } from '../../src/transport/signals.ts';

function pushAll(chunks: readonly Buffer[]) {
  const after = new AfterMark('READY-1');
  const rest = Buffer.concat(chunks.map((chunk) => after.push(chunk)));
  return { found: after.found, before: after.before, rest };
}

test('however a stream is cut, the same part comes after the mark', () => {
  const text = fc.stringMatching(/^[a-zäREDY1\n-]{0,30}$/).filter((one) => !one.includes('READY-1\n'));
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat(12)), (noise, payload, cuts) => {
      const all = Buffer.concat([Buffer.from(`${noise}\nREADY-1\n`), payload]);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(all.subarray(at, at + cut));
        at = Math.min(all.length, at + cut);
      }
      chunks.push(all.subarray(at));
      const { found, before, rest } = pushAll(chunks);
      expect(found).toBe(true);
      expect(before).toBe(`${noise}\n`);
      expect(rest.equals(Buffer.from(payload))).toBe(true);
    }),
  );
});

test('without the mark nothing comes through', () => {
  expect(pushAll([Buffer.from('Welcome\n'), Buffer.from('READY-2\n')])).toMatchObject({
    found: false,
    before: 'Welcome\nREADY-2\n',
    rest: Buffer.alloc(0),
  });
});

test.each([
  ['SIGKILL', 9],
  ['SIGTERM', 15],
  ['SIGNONSENSE', 0],
])('%s is %i', (name, number) => {
  expect(signalNumber(name)).toBe(number);
});
