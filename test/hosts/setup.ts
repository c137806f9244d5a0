import type { TestProject } from 'vitest/node';
import { kindsOf, testedDistribution } from './distributions.ts';
import { claimEngine, removeContainers } from './engine.ts';
import { findOrMakeKey } from './key.ts';
import { drawSeed } from './long.ts';
import { prepareImages } from './prepared.ts';

/** Before the first test: what all of them share is made once, and what is missing fails the run. */
export async function setup({ config }: TestProject): Promise<void> {
  drawSeed();
  await claimEngine();
  await findOrMakeKey();
  const distribution = testedDistribution(config.env);
  await prepareImages(distribution, kindsOf(distribution));
}

export async function teardown(): Promise<void> {
  await removeContainers();
}
