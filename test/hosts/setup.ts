import type { TestProject } from 'vitest/node';
import { testedDistribution } from './distributions.ts';
import { findEngine, removeContainers, runId } from './engine.ts';
import { findOrBuildImage } from './image.ts';
import { findOrMakeKey } from './key.ts';

export { removeContainers };

/** Before the first test: what all of them share is made once, and what is missing fails the run. */
export async function setup({ config }: TestProject): Promise<void> {
  runId();
  await findEngine();
  await findOrMakeKey();
  await findOrBuildImage(testedDistribution(config.env));
}

export async function teardown(): Promise<void> {
  await removeContainers();
}
