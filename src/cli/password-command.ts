import { localShell } from '../transport/local-shell.ts';

const NAME = 'HARDEN_BECOME_PASSWORD_COMMAND';

/**
 * The first line that a command of the user's prints. It may ask on the terminal: standard input and error are the tool's own,
 * so nothing of what it says is kept. Throws a sentence about the command, without its text or output.
 */
export async function passwordFromCommand(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const $ = await localShell(env);
  const ran = await $({ stdio: ['inherit', 'pipe', 'inherit'] })`sh -c ${command}`;
  const [password = ''] = ran.stdout.split(/\r?\n/);
  if (ran.exitCode !== 0) {
    const end = ran.signal === null ? `exit code ${ran.exitCode}` : ran.signal;
    throw new Error(`the command in ${NAME} failed (${end}); run it by hand and mend it`);
  }
  if (password === '') throw new Error(`the command in ${NAME} printed no password on its first line`);
  return password;
}
