import { afterEach, expect, test } from 'vitest';
import { script } from '../../src/shell/frame.ts';
import { raw } from '../../src/shell/quote.ts';
import { connect } from '../../src/transport/connect.ts';
import type { Target, Transport } from '../../src/transport/transport.ts';

// Without root: what needs sudo is tried on real hosts.
const target: Target = { name: 'here', connection: 'local', address: 'here', become: false };
let transport: Transport | undefined;
afterEach(() => transport?.close());

test('bytes in, bytes out, and no connection', async () => {
  transport = await connect(target, {
    env: { ...process.env, SSH_CONNECTION: '203.0.113.9 1 203.0.113.10 22' },
  });
  const output = await transport.run('printf "\\377é"; echo err >&2; echo "$*"; exit 3');
  expect(output.stdout).toEqual(Buffer.from([0xff, ...Buffer.from('é203.0.113.9 1 203.0.113.10 22\n')]));
  expect(output.stderr.toString()).toBe('err\n');
  expect(output.code).toBe(3);
  expect(transport.counts).toEqual({ connections: 0, execs: 1 });
});

test('megabytes each way, and scripts that end early', async () => {
  transport = await connect(target);
  const comment = `# ${'x'.repeat(1022)}\n`.repeat(5000);
  expect((await transport.run(`${comment}head -c 5000000 /dev/zero`)).stdout.length).toBe(5_000_000);
  expect((await transport.run(`exit 5\n${comment}`)).code).toBe(5);
});

test('a signal, silence, interruption, closing', async () => {
  transport = await connect(target);
  expect((await transport.run('kill -TERM $$')).code).toBe(143);
  await expect(transport.run('sleep 10', { silence: 0.2 })).rejects.toMatchObject({ reason: 'timeout' });
  const control = new AbortController();
  const run = transport.run('echo; sleep 10', { signal: control.signal, onStdout: () => control.abort() });
  await expect(run).rejects.toMatchObject({ reason: 'interrupted' });
  await transport.close();
  await expect(transport.run('true')).rejects.toMatchObject({ reason: 'interrupted', host: 'here' });
});

test('is asked to end over its own channel, where nothing else has to be opened', async () => {
  transport = await connect(target);
  const control = new AbortController();
  const listening = script(raw('echo at work; read -r word <&7; echo "$word"'), { listens: true });
  const run = (onStdout: () => void) => transport!.run(listening, { stop: control.signal, onStdout });
  expect((await run(() => control.abort())).stdout.toString()).toBe('at work\nstop\n');
  // one that begins later is asked, too; one that does not wait for a word is not kept
  expect((await run(() => {})).stdout.toString()).toBe('at work\nstop\n');
  expect((await transport.run('exit 3\n', { stop: new AbortController().signal })).code).toBe(3);
});
