import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { repository } from '../repository.ts';
import type { Result } from './harden.ts';

export interface StayingRun {
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export type StayingReply =
  | { readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly code: number };

/** `stay.ts` and all that it imports: `test/build.ts` makes it. */
export const STAY = join(repository, '.cache/stay.cjs');

const idle: ChildProcess[] = [];

/** One that is still there. */
function takeIdle(): ChildProcess | undefined {
  for (let child = idle.pop(); child; child = idle.pop()) if (child.connected) return child;
  return undefined;
}

export interface Running {
  readonly ended: Promise<Result>;
  readonly kill: () => void;
}

/**
 * Runs a command in a process that stays for the next one: starting Node and compiling the tool anew takes half the
 * processor time of a look at a host. `heard` is called whenever it prints something.
 */
export function runStaying(run: StayingRun, heard: (text: string) => void): Running {
  const child = takeIdle() ?? fork(STAY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const ended = new Promise<Result>((resolve, reject) => {
    const gone = (code: number | null) =>
      reject(new Error(`The process that stays ended with ${code}: ${Buffer.concat(said.stderr)}`));
    const answer = (message: StayingReply) => {
      if ('stream' in message) {
        const piece = Buffer.from(message.text, 'base64');
        said[message.stream].push(piece);
        heard(piece.toString());
        return;
      }
      child.off('message', answer).off('exit', gone).off('error', reject);
      idle.push(child);
      child.unref();
      child.channel?.unref();
      resolve({
        code: message.code,
        stdout: Buffer.concat(said.stdout).toString(),
        stderr: Buffer.concat(said.stderr).toString(),
      });
    };
    child.on('message', answer).on('exit', gone).on('error', reject);
  });
  child.ref();
  child.channel?.ref();
  child.send(run);
  return { ended, kill: () => void child.kill('SIGKILL') };
}
