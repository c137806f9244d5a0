import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'harden-ask-'));
const program = join(folder, 'ask.cjs');
const withSsh = join(folder, 'ssh.cjs');

const bundle = (outfile: string, contents: string) =>
  build({
    stdin: { contents, resolveDir: repository },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['*.node'],
    outfile,
  });

beforeAll(() =>
  bundle(
    program,
    `import { becomePassword, confirm, keyPassphrase } from './src/cli/ask.ts';
      const stop = new AbortController();
      for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => { console.log('interrupted'); stop.abort(); });
      const password = becomePassword({ ask: !process.env.NOT_ASKED, signal: stop.signal });
      const passphrase = keyPassphrase(stop.signal);
      const get = () => (typeof password === 'string' ? password : password());
      // as several hosts do, at the same time
      Promise.all([get(), passphrase('/k'), get(), confirm('Apply?', stop.signal)]).then((all) => console.log(JSON.stringify(all)));
      if (process.env.TERM_AFTER) setTimeout(() => process.kill(process.pid, 'SIGTERM'), 1000 * process.env.TERM_AFTER);`,
  ),
);
beforeAll(async () => {
  // all that matters of ssh here: it asks at the terminal, whatever its standard input is
  await writeFile(
    join(folder, 'ssh'),
    `#!/bin/sh\nprintf 'PIN: ' >/dev/tty; read -r pin </dev/tty; echo "ssh got $pin" >/dev/tty; echo ready; exec sleep 60\n`,
    { mode: 0o755 },
  );
  await bundle(
    withSsh,
    `import { keyPassphrase } from './src/cli/ask.ts';
      import { openMaster } from './src/transport/openssh-master.ts';
      const where = { name: 'web1', address: 'h', port: 22 };
      const target = { name: 'web1', connection: 'openssh', address: 'h', become: false };
      const settings = { host: 'h', port: 22, user: 'u', identityFiles: [], identitiesOnly: false, knownHostsFiles: [], certificateFiles: [], sshOnly: [], fromSsh: true };
      const open = (signal) => openMaster(target, [{ where, asked: { address: 'h' }, settings }], { terminal: true, sshBinary: ${JSON.stringify(join(folder, 'ssh'))}, signal })
        .then((master) => master.close()).then(() => 'in', (error) => error.reason);
      const giveUp = AbortSignal.timeout(2000);
      const hosts = process.env.GIVEN_UP ? [open(giveUp), open(giveUp)] : [open()];
      Promise.all([...hosts, keyPassphrase(new AbortController().signal)('/k'), ...(process.env.GIVEN_UP ? [] : [open()])]).then((all) => console.log(JSON.stringify(all)));`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const ask = (input: string, env = {}) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], {
    input,
    env: { ...process.env, HARDEN_BECOME_PASSWORD: '', HARDEN_BECOME_PASSWORD_COMMAND: '', ...env },
    timeout: 20_000,
  });
  return { said: stdout.toString().trim(), shown: stderr.toString(), status };
};
/** The same at a terminal, where `lines` are typed one after another, each when something new is shown. */
const typed = (...lines: string[]) => typedTo(program, {}, lines);
const typedTo = (file: string, env: NodeJS.ProcessEnv, lines: readonly string[]) => {
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
  return spawnSync('python3', ['-c', script, process.execPath, file, ...lines], {
    env: { ...process.env, HARDEN_BECOME_PASSWORD: '', HARDEN_BECOME_PASSWORD_COMMAND: '', ...env },
    timeout: 20_000,
  }).stdout.toString();
};

describe('questions', () => {
  it('are asked one after another, so that a secret goes to one of them only, and is not shown', () => {
    const seen = typed('hunter2\r', 'phrase\r', 'yes\r');
    expect(seen).toContain('["hunter2","phrase","hunter2",true]');
    expect(seen.slice(0, seen.indexOf('["'))).not.toMatch(/hunter2|phrase(?! of)/);
  });

  it('are left by Ctrl-C, all of them: that is no answer', () => {
    const seen = typed('\u0003');
    expect(seen).toMatch(/interrupted[\s\S]*\[null,null,null,false\]/);
    expect(seen).not.toMatch(/passphrase|Apply/);
  });

  it('are left when the run is to end, while nobody types', () => {
    const seen = typedTo(program, { TERM_AFTER: '1' }, []);
    expect(seen).toMatch(/^sudo password: \s*interrupted\s*\[null,null,null,false\]\s*$/);
  });

  // sh says of an ssh that it ended
  const withoutNotes = (seen: string) =>
    seen
      .replaceAll(/Terminated\s*/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim();

  it('are not asked while ssh asks, and the other way round', () =>
    expect(withoutNotes(typedTo(withSsh, {}, ['1234\r', 'phrase\r', '5678\r']))).toBe(
      'PIN: 1234 ssh got 1234 passphrase of /k: PIN: 5678 ssh got 5678 ["in","phrase","in"]',
    ));

  it('are asked once an ssh that asks was given up, and one that waits for its turn', () =>
    expect(withoutNotes(typedTo(withSsh, { GIVEN_UP: '1' }, ['', 'phrase\r']))).toBe(
      'PIN: passphrase of /k: ["interrupted","interrupted","phrase"]',
    ));

  it('may be answered through a pipe', () =>
    expect(ask('one\n')).toMatchObject({ said: '["one",null,"one",false]', status: 0 }));

  it('have no answer where standard input has ended', () =>
    expect(ask('', { NOT_ASKED: '1' })).toMatchObject({ said: '[null,null,null,false]', status: 0 }));

  it('say so where the password was to be asked for', () =>
    expect(ask('').shown).toContain(
      'Error: --ask-become-pass found nothing to read on standard input; run it',
    ));

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
