import { findEngine, removeContainers, runId } from './engine.ts';
import { DISTRIBUTIONS, type Distribution, findOrBuildImage } from './image.ts';
import { findOrMakeKey } from './key.ts';

export { removeContainers };

/** Before the first test: what all of them share is made once, and what is missing fails the run. */
export async function setup(): Promise<void> {
  runId();
  await findEngine();
  await findOrMakeKey();
  for (const distribution of Object.keys(DISTRIBUTIONS) as Distribution[])
    await findOrBuildImage(distribution);
}

export async function teardown(): Promise<void> {
  await removeContainers();
}
