import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { STAY } from './cli/staying.ts';
import { repository } from './repository.ts';
import { $ } from './shell.ts';

/** Before the first test: the command line from what is in `src` now, as users get it, and in a process that stays. */
export async function setup(): Promise<void> {
  // once a run, whose projects each call this: others may be using it
  if (process.env.HARDEN_BUILT && existsSync(STAY)) return;
  await $({ cwd: repository })`npm run --silent build`;
  await build({
    entryPoints: [join(repository, 'test/cli/stay.ts')],
    outfile: STAY,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    loader: { '.yaml': 'text' },
    external: ['cpu-features', '*.node'],
    logLevel: 'warning',
  });
  process.env.HARDEN_BUILT = '1';
}
