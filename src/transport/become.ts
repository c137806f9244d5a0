import { sh } from '../shell/quote.ts';
import { printable } from '../text/harmless.ts';
import type { Exit } from './process.ts';
import type { TransportFailure } from './transport.ts';

/** How a script gets its rights. */
export type Via =
  | { readonly kind: 'direct' }
  | { readonly kind: 'sudo' }
  | { readonly kind: 'sudo-password'; readonly password: string };

/**
 * The password for sudo: at hand, or asked for at most once a run, and only when sudo wants one. Undefined: none; an error says
 * why there is none.
 */
export type BecomePassword = string | (() => Promise<string | undefined>);

/** Words that no output holds by accident; one set per command. */
export interface Marks {
  /** Printed on both outputs once the right user's shell runs: all before it is noise, or sudo speaking. */
  readonly ready: string;
  /** The line on standard input after which the script starts. */
  readonly begin: string;
  /** What sudo asks for the password with, whatever its language. */
  readonly prompt: string;
}

/** `nonce`: letters and digits. */
export function marks(nonce: string): Marks {
  return { ready: `READY-${nonce}`, begin: `BEGIN-${nonce}`, prompt: `PASSWORD-${nonce}` };
}

/**
 * The command line to execute. Login shells may be csh or fish: plain words, and one quoted word without quote,
 * backslash, `!` or newline. The loop skips what is not the script: under NOPASSWD sudo leaves the password on
 * standard input, where a bare `sh -s` would run it and print it.
 */
export function commandLine(via: Via['kind'], mark: Marks): string {
  const shell = sh`sh -c ${waitForScript(mark)} sh`;
  return `${prefix[via](mark)}${shell.text} $SSH_CONNECTION`;
}

const prefix: Readonly<Record<Via['kind'], (mark: Marks) => string>> = {
  direct: () => '',
  // env: sudo's messages in English, and one exit status (127) for a missing sudo, whatever the login shell.
  sudo: () => 'env LC_ALL=C sudo -n ',
  'sudo-password': ({ prompt }) => `env LC_ALL=C sudo -S -p ${prompt} `,
};

function waitForScript({ ready, begin }: Marks): string {
  return `echo ${ready}; echo ${ready} >&2; while IFS= read -r l; do [ "$l" = ${begin} ] && break; done; exec sh -s -- "$@"`;
}

/** Whether sudo rejected the one password it got: it asks a second time, or says so. */
export function asksAgain(said: string, { prompt }: Marks): boolean {
  return (
    said.split(prompt).length > 2 || (!/expired/i.test(said) && /try again|incorrect password/i.test(said))
  );
}

export interface SudoRefusal {
  readonly reason: Extract<
    TransportFailure,
    'sudo-missing' | 'sudo-password-needed' | 'sudo-password-wrong' | 'sudo-forbidden' | 'login-rejected'
  >;
  /** What happened and what to do, without the host's name: follows it as the predicate. */
  readonly sentence: string;
}

/** By the login itself, or by sudo's own look at the account. */
const expired = /password[^.\n]*expired|password change required|(change|reset) your password/i;
const forbidden =
  /not in the sudoers|not allowed|may not run|must have a tty|can't do that|no new privileges|account validation|expired|locked/i;
const wrong = /incorrect (password|authentication) attempt|authentication attempts|try again/i;
const needed =
  /password is required|no password was provided|authentication is required|terminal is required|no tty present/i;

/** Why the script never started, from what was said on standard error before its start. */
export function classifyRefusal(via: Via['kind'], exit: Exit, stderr: string, mark: Marks): SudoRefusal {
  const said = stderr.replaceAll(mark.prompt, ' ');
  const quoted = said.trim() === '' ? 'it said nothing' : `it said: “${printable(said)}”`;
  if (expired.test(said)) {
    return {
      reason: via === 'direct' ? 'login-rejected' : 'sudo-forbidden',
      sentence: `wants the password of the login user changed before anything else: ${quoted}. Log in once by hand, with a terminal, and change it (or have root do so with passwd), then run again.`,
    };
  }
  if (via === 'direct') {
    return {
      reason: 'login-rejected',
      sentence: `let the user log in but its login shell ran nothing (exit ${exit.code ?? exit.signal}; ${quoted}). Give the user a working shell and a password that has not expired, or log in as another one.`,
    };
  }
  if (exit.code === 127) {
    return {
      reason: 'sudo-missing',
      sentence:
        'has no sudo, and the login user is not root. Install sudo there, log in as root, or set become: false for a look without root.',
    };
  }
  if (/must have a tty/i.test(said)) {
    return {
      reason: 'sudo-forbidden',
      sentence: `lets the login user run sudo at a terminal only, which harden has none of: ${quoted}. Take requiretty off for this user, as a line \`Defaults:USER !requiretty\` in /etc/sudoers.d, or log in as another one.`,
    };
  }
  if (forbidden.test(said)) {
    return {
      reason: 'sudo-forbidden',
      sentence: `does not let the login user become root: ${quoted}. Allow it in /etc/sudoers.d (\`USER ALL=(ALL) ALL\`), or log in as another user.`,
    };
  }
  if (via === 'sudo-password' && (asksAgain(stderr, mark) || wrong.test(said) || needed.test(said)))
    return wrongPassword;
  if (needed.test(said)) {
    return {
      reason: 'sudo-password-needed',
      sentence:
        'wants a password for sudo and none was given, or its user may not use sudo at all. Give it in HARDEN_BECOME_PASSWORD, with HARDEN_BECOME_PASSWORD_COMMAND or with --ask-become-pass, or let this user run sudo without one (NOPASSWD).',
    };
  }
  if (/^\s*sudo\b/im.test(said)) {
    return {
      reason: 'sudo-forbidden',
      sentence: `did not run sudo (exit ${exit.code ?? exit.signal}; ${quoted}). Mend what it names; \`sudo -n true\` must work for the login user.`,
    };
  }
  return {
    reason: 'login-rejected',
    sentence: `let the user log in but its login shell did not run sudo (exit ${exit.code ?? exit.signal}; ${quoted}). Give the user a working shell and a password that has not expired, or log in as another one.`,
  };
}

export const wrongPassword: SudoRefusal = {
  reason: 'sudo-password-wrong',
  sentence:
    'did not accept the password for sudo. It was tried once and will not be tried again in this run, so that the account is not locked. Give the right one, and see that this user may use sudo.',
};
