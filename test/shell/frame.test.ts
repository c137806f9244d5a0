import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beside,
  complaints,
  feed,
  frameFunctions,
  frames,
  observed,
  probeCall,
  probeCalls,
  probeOutput,
  script,
} from '../../src/shell/frame.ts';
import { lines, raw, type Sh } from '../../src/shell/quote.ts';

const NONCE = '0123abcd';
const run = (text: string, args: string[] = []) =>
  spawnSync('dash', ['-s', '--', ...args], { input: text, timeout: 20_000 });
const framed = (body: Sh) => script(lines([frameFunctions(NONCE), body]));

describe('script', () => {
  it('runs nothing of a script that was cut anywhere', () => {
    const whole = framed(raw('echo ran; rm -rf /nonexistent-one'));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.lastIndexOf('}') }), (length) => {
        const { stdout } = run(whole.slice(0, length));
        expect(stdout.toString()).toBe('');
      }),
      { numRuns: 40 },
    );
    expect(run(whole).stdout.toString()).toBe('ran\n');
  });

  it('keeps the rest of itself from a child that reads standard input', () => {
    const filler = raw(`# ${'x'.repeat(20_000)}`);
    const { stdout } = run(framed(lines([raw('cat'), filler, raw('echo after')])));
    expect(stdout.toString()).toBe('after\n');
  });

  it('that listens finds at descriptor 7 what comes later, and its children on standard input nothing', async () => {
    const text = script(raw('cat; echo ready; read -r word <&7; echo "got $word"'), { listens: true });
    const child = spawn('dash', ['-s']);
    child.stdin.write(text);
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said === 'ready\n') child.stdin.end('stop\n');
    }
    expect(said).toBe('ready\ngot stop\n');
  });

  it('knows the connection it came over', () => {
    const { stdout } = run(framed(raw('echo "$HARDEN_CONNECTION"')), [
      '192.0.2.1',
      '5555',
      '192.0.2.2',
      '22',
    ]);
    expect(stdout.toString()).toBe('192.0.2.1 5555 192.0.2.2 22\n');
  });
});

describe('probe', () => {
  const ask = (codes: Readonly<Record<string, string>>) => {
    const calls = Object.entries(codes).map(([name, code]) => probeCall(name, raw(code)));
    const { stdout } = run(framed(lines([raw('printf noise'), ...probeCalls(calls), observed])));
    const found = frames(stdout, NONCE);
    expect(found.at(-1)?.words).toEqual(['observed']);
    return {
      outputs: found.flatMap((frame) => probeOutput(frame) ?? []),
      said: new Map(found.flatMap((frame) => [...complaints(frame)])),
    };
  };

  it.each([
    ['text and status', 'echo hello; exit 3', { stdout: Buffer.from('hello\n'), code: 3 }],
    ['nothing at all', ':', { stdout: Buffer.from(''), code: 0 }],
    ['NUL and 0xff', "printf '\\000\\377'", { stdout: Buffer.from([0, 255]), code: 0 }],
    [
      'text that looks like a frame',
      `echo '@@${NONCE} observed'`,
      { stdout: Buffer.from(`@@${NONCE} observed\n`), code: 0 },
    ],
  ])('carries %s', (_, code, expected) => {
    expect(ask({ x: code }).outputs).toEqual([{ name: 'x', output: expected }]);
  });

  it('tells who complained of what, whatever they say', () => {
    const { outputs, said } = ask({
      one: 'printf "no\nand no" >&2; exit 1',
      two: ':',
      three: `echo '@@0123 one' >&2; echo 'not he' >&2`,
    });
    expect(outputs.map(({ output }) => output.code)).toEqual([1, 0, 0]);
    expect([...said]).toEqual([
      ['one', 'no\nand no'],
      ['two', ''],
      ['three', '@@0123 one\nnot he'],
    ]);
  });

  it('keeps of endless complaints the last ones, and of the others their answers', () => {
    const { outputs, said } = ask({
      one: 'echo here; echo no >&2',
      two: 'yes complaint | head -c 3000000 >&2; echo last >&2; echo there',
    });
    expect(outputs.map(({ output }) => output.stdout.toString())).toEqual(['here\n', 'there\n']);
    expect([...said.keys()]).toEqual(['two']);
    expect(said.get('two')).toMatch(/complaint\nlast$/);
    expect(said.get('two')!.length).toBeLessThanOrEqual(600);
  });
});

describe('frames', () => {
  it('passes over noise, other runs and a line that was cut', () => {
    const text = `motd\n@@other done\nPS1> @@${NONCE} step 0 start\n@@${NONCE} don`;
    expect(frames(text, NONCE)).toEqual([{ words: ['step', '0', 'start'] }]);
  });
});

describe('feed', () => {
  it('hands any bytes to a command', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { stdout } = run(framed(feed(raw('cat'), Buffer.from(bytes))));
        expect(stdout.equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe('beside', () => {
  it('runs the slow ones while the others run, and mixes no lines of the two', () => {
    const long = 'x'.repeat(100_000);
    // each waits for the other
    const folder = mkdtempSync(join(tmpdir(), 'harden-beside-'));
    const meet = (mine: string, theirs: string) =>
      raw(`: > ${folder}/${mine}; until [ -e ${folder}/${theirs} ]; do sleep 0.05; done`);
    const print = (word: string) => raw(`for i in 1 2 3 4 5; do echo "${word} ${long}"; done; cat`);
    const slow = [meet('slow', 'other'), print('slow')];
    const others = [meet('other', 'slow'), print('other')];
    const { stdout } = run(script(lines([beside(slow, others), raw('echo end')])));
    rmSync(folder, { recursive: true });
    expect(stdout.toString().split('\n')).toEqual([
      ...Array(5).fill(`other ${long}`),
      ...Array(5).fill(`slow ${long}`),
      'end',
      '',
    ]);
  });

  it('goes on where one of either fails, and needs no slow one', () => {
    expect(run(script(beside([raw('false')], [raw('false'), raw('echo a')]))).stdout.toString()).toBe('a\n');
    expect(run(script(beside([], [raw('echo a')]))).stdout.toString()).toBe('a\n');
  });
});
