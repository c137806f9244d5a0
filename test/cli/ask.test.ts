import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'harden-ask-'));
const program = join(folder, 'ask.cjs');

beforeAll(() =>
  build({
    stdin: {
      contents: `import { becomePassword, confirm, keyPassphrase } from './src/cli/ask.ts';
        process.on('SIGINT', () => console.log('interrupted'));
        const password = becomePassword({ ask: true });
        const passphrase = keyPassphrase();
        const get = () => (typeof password === 'string' ? password : password());
        // as several hosts do, at the same time
        Promise.all([get(), passphrase('/k'), get(), confirm('Apply?')]).then((all) => console.log(JSON.stringify(all)));`,
      resolveDir: repository,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: program,
  }),
);
afterAll(() => rmSync(folder, { recursive: true }));

const ask = (input: string, env = {}) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], {
    input,
    env: { ...process.env, HARDEN_BECOME_PASSWORD: '', HARDEN_BECOME_PASSWORD_COMMAND: '', ...env },
    timeout: 20_000,
  });
  return { said: stdout.toString().trim(), shown: stderr.toString(), status };
};
/** The same at a terminal, where `lines` are typed one after another. */
const typed = (...lines: string[]) => {
  const script = `import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:3])
seen = b''
for line in sys.argv[3:]:
    seen += os.read(fd, 9999); time.sleep(0.3); os.write(fd, line.encode())
try:
    while True: seen += os.read(fd, 9999)
except OSError: pass
sys.stdout.buffer.write(seen)`;
  return spawnSync('python3', ['-c', script, process.execPath, program, ...lines], {
    env: { ...process.env, HARDEN_BECOME_PASSWORD: '', HARDEN_BECOME_PASSWORD_COMMAND: '' },
    timeout: 20_000,
  }).stdout.toString();
};

describe('questions', () => {
  it('are asked one after another, so that a secret goes to one of them only, and is not shown', () => {
    const seen = typed('hunter2\r', 'phrase\r', 'yes\r');
    expect(seen).toContain('["hunter2","phrase","hunter2",true]');
    expect(seen.slice(0, seen.indexOf('["'))).not.toMatch(/hunter2|phrase(?! of)/);
  });

  it('may be left by Ctrl-C: that is no answer', () =>
    expect(typed('\u0003', '\u0003', '\u0003')).toMatch(/interrupted[\s\S]*\[null,null,null,false\]/));

  it('may be answered through a pipe', () =>
    expect(ask('one\n')).toMatchObject({ said: '["one",null,"one",false]', status: 0 }));

  it('have no answer where standard input has ended', () =>
    expect(ask('')).toMatchObject({ said: '[null,null,null,false]', status: 0 }));

  it('are not asked where the environment knows', () =>
    expect(ask('', { HARDEN_BECOME_PASSWORD: 'env' })).toMatchObject({
      said: '["env",null,"env",false]',
      shown: 'Apply? [y/N] ',
    }));

  it('are not asked where a command knows: it runs once, and its first line counts', () => {
    const command = `echo ran >&2; printf '%s\\n' 'it is $ecret' 'and a note'`;
    expect(ask('', { HARDEN_BECOME_PASSWORD_COMMAND: command })).toMatchObject({
      said: '["it is $ecret",null,"it is $ecret",false]',
      shown: 'ran\nApply? [y/N] ',
    });
    expect(
      ask('', { HARDEN_BECOME_PASSWORD_COMMAND: command, HARDEN_BECOME_PASSWORD: 'env' }).said,
    ).toContain('"env"');
  });

  it('may be asked by that command', () =>
    expect(ask('typed\n', { HARDEN_BECOME_PASSWORD_COMMAND: 'read -r l; echo "$l"' }).said).toContain(
      '"typed"',
    ));

  it.each([
    ['echo s3cret; exit 3', 'failed (exit code 3); run it by hand'],
    ['echo; echo s3cret', 'printed no password on its first line'],
    ['no-such-command-here', 'failed (exit code 127)'],
    ['kill -9 $$', 'failed ('],
  ])('a command that gives none is said without what it printed: %s', (command, says) => {
    const { shown, said } = ask('', { HARDEN_BECOME_PASSWORD_COMMAND: command });
    expect(shown).toContain(`Error: the command in HARDEN_BECOME_PASSWORD_COMMAND ${says}`);
    expect(shown + said).not.toContain('s3cret');
  });
});
