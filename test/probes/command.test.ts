import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { statusProbe } from '../../src/probes/command.ts';

/** Runs the probe's own script here. */
const statuses = (...commands: string[]) => {
  const output = execFileSync('sh', ['-c', statusProbe.script(commands).text]);
  const answers = statusProbe.parse(output, commands);
  return commands.map((command) => answers.get(command));
};
const present = (value: number) => ({ state: 'present', value });

describe('the status of commands', () => {
  it('is what each of them ends with, whatever it prints or reads', () =>
    expect(
      statuses('true', 'echo 7; echo x >&2; exit 3', "test \"it's\" = 'it'\\''s'", 'no-such-program'),
    ).toEqual([present(0), present(3), present(0), present(127)]));

  it('does not end with a command that ends its shell, or that no shell can read', () =>
    expect(statuses('exit 5', 'if', '(', 'true')).toEqual([present(5), present(2), present(2), present(0)]));

  it.each([124, 137])('that took too long is not known: %i', (code) =>
    expect(statusProbe.parse(Buffer.from(`${code}\n0\n`), ['a', 'b']).get('a')).toEqual({
      state: 'unreadable',
      why: 'it took longer than 20 s',
    }),
  );

  it.each(['', '0\n'])('that did not arrive is not known: %j', (output) =>
    expect(statusProbe.parse(Buffer.from(output), ['a', 'b']).get('b')).toEqual({
      state: 'unreadable',
      why: 'the host gave no answer',
    }),
  );
});
