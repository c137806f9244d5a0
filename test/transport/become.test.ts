import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { asksAgain, classifyRefusal, commandLine, marks } from '../../src/transport/become.ts';

const mark = marks('77');
const exit = (code: number) => ({ code, signal: null });

describe.each(['direct', 'sudo', 'sudo-password'] as const)('the command line, %s', (via) => {
  const line = commandLine(via, mark);
  test('plain words and one quoted word that every login shell reads alike', () => {
    const [before = '', quoted = '', after = ''] = line.split("'");
    expect(line.split("'")).toHaveLength(3);
    expect(before).toMatch(/^[a-zA-Z0-9_=. -]+$/);
    expect(quoted).not.toMatch(/[\\!\n`]/);
    expect(after).toBe(' sh $SSH_CONNECTION');
  });
});

describe('the shell of the command line', () => {
  const home = mkdtempSync(join(tmpdir(), 'harden-home-'));
  afterAll(() => rmSync(home, { recursive: true }));
  const shells = ['sh', 'dash', 'bash', 'zsh', 'csh', 'fish'].filter(
    (shell) => spawnSync(shell, ['-c', 'true']).status === 0,
  );
  test.each(shells)('under %s it skips what is not the script, and hands over the addresses', (shell) => {
    const output = execFileSync(shell, ['-c', commandLine('direct', mark)], {
      input: `hunter2\n${mark.begin}\necho "$*"\n`,
      // fish keeps a history in its home.
      env: {
        ...process.env,
        HOME: home,
        SSH_CONNECTION: '203.0.113.9 4000 203.0.113.10 22',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    expect(output.toString()).toBe(`${mark.ready}\n203.0.113.9 4000 203.0.113.10 22\n`);
  });
});

test.each<[via: 'direct' | 'sudo' | 'sudo-password', code: number, stderr: string, reason: string]>([
  // sudo 1.9.13 of Debian 12, as it printed them.
  ['sudo', 1, 'sudo: a password is required\n', 'sudo-password-needed'],
  ['sudo-password', 1, 'PASSWORD-77bob is not in the sudoers file.\n', 'sudo-forbidden'],
  [
    'sudo-password',
    1,
    "PASSWORD-77Sorry, user bob is not allowed to execute '/usr/bin/sh' as root on web1.\n",
    'sudo-forbidden',
  ],
  [
    'sudo-password',
    1,
    'PASSWORD-77Sorry, try again.\nPASSWORD-77\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n',
    'sudo-password-wrong',
  ],
  ['sudo', 1, 'sudo: sorry, you must have a tty to run sudo\n', 'sudo-forbidden'],
  ['sudo', 127, '/usr/bin/env: ‘sudo’: No such file or directory\n', 'sudo-missing'],
  // Other versions' words.
  ['sudo', 1, 'sudo: sorry, a password is required to run sudo\n', 'sudo-password-needed'],
  ['sudo', 1, 'sudo: no tty present and no askpass program specified\n', 'sudo-password-needed'],
  ['sudo', 1, 'sudo: interactive authentication is required\n', 'sudo-password-needed'],
  ['sudo', 1, 'Sorry, user bob may not run sudo on web1.\n', 'sudo-forbidden'],
  ['sudo', 1, "sudo: I'm sorry bob. I'm afraid I can't do that\n", 'sudo-forbidden'],
  ['sudo', 1, 'sudo: account validation failure, is your account locked?\n', 'sudo-forbidden'],
  ['sudo', 1, 'sudo: Account or password is expired, reset your password and try again\n', 'sudo-forbidden'],
  ['sudo-password', 1, 'sudo: Password expired, contact your system administrator\n', 'sudo-forbidden'],
  [
    'sudo-password',
    1,
    'PASSWORD-77sudo: Authentication failed, try again.\nPASSWORD-77',
    'sudo-password-wrong',
  ],
  ['sudo', 1, 'sudo: /etc/sudoers is owned by uid 1000, should be 0\n', 'sudo-forbidden'],
  // Not sudo at all.
  ['sudo', 1, 'This account is currently not available.\n', 'login-rejected'],
  ['direct', 1, '', 'login-rejected'],
])('%s, exit %i, %j: %s', (via, code, stderr, reason) => {
  const refusal = classifyRefusal(via, exit(code), stderr, mark);
  expect(refusal.reason).toBe(reason);
  expect(refusal.sentence).toMatch(/\.$/);
  expect(refusal.sentence).not.toContain(mark.prompt);
});

test.each<[via: 'direct' | 'sudo', stderr: string, sentence: RegExp]>([
  ['sudo', 'sudo: sorry, you must have a tty to run sudo\n', /at a terminal only.*Defaults:USER !requiretty/],
  [
    'sudo',
    'WARNING: Your password has expired.\nPassword change required but no TTY available.\n',
    /password .* changed before anything else.*Log in once by hand/,
  ],
  ['direct', 'WARNING: Your password has expired.\n', /Log in once by hand/],
  [
    'sudo',
    'sudo: Account or password is expired, reset your password and try again\n',
    /changed before anything else/,
  ],
  ['sudo', 'sudo: Account expired or PAM config lacks an "account" section\n', /does not let the login user/],
])('what to do, %s: %j', (via, stderr, sentence) => {
  expect(classifyRefusal(via, exit(1), stderr, mark).sentence).toMatch(sentence);
});

test.each([
  ['PASSWORD-77', false],
  ['We trust you have received the usual lecture.\nPASSWORD-77', false],
  ['PASSWORD-77Das hat nicht funktioniert.\nPASSWORD-77', true],
  ['Passwort: Sorry, try again.\n', true],
  ['sudo: unable to resolve host web1\nPASSWORD-77', false],
])('%j asks again: %s', (said, again) => {
  expect(asksAgain(said, mark)).toBe(again);
});
