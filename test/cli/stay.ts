/**
 * The command line in a process that stays: runs one command after another as `src/cli/harden.ts` runs one, in the environment and
 * folder that each message names, and answers with what it printed and its exit code.
 */

import { cd } from 'zx';
import { failure, main } from '../../src/cli/main.ts';
import type { StayingReply, StayingRun } from './staying.ts';

const reply = (message: StayingReply) => void process.send?.(message);

for (const name of ['stdout', 'stderr'] as const) {
  process[name].write = ((text: string | Uint8Array, ...rest: unknown[]) => {
    reply({ stream: name, text: Buffer.from(text as string).toString('base64') });
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  }) as typeof process.stdout.write;
}

process.on('disconnect', () => process.exit());
process.on('message', async ({ args, env, cwd }: StayingRun) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  // not process.chdir: zx starts programs where it was itself
  cd(cwd);
  const code = await main(args).catch(failure);
  // a run listens to them for the rest of its process
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  reply({ code });
});
