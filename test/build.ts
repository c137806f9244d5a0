import { $ } from 'zx';
import { repository } from './repository.ts';

/** Before the first test: the command line as users get it, from what is in `src` now. */
export async function setup(): Promise<void> {
  await $({ quiet: true, cwd: repository })`npm run --silent build`;
}
