import { DISTRIBUTIONS, type Distribution, kindsOf } from './distributions.ts';
import { claimEngine, removeContainers } from './engine.ts';
import { canBeMade } from './image.ts';
import { findOrMakeKey } from './key.ts';
import { prepareImages } from './prepared.ts';

/** Makes the images of all hosts that the tests begin with, those of several distributions at the same time. */
await claimEngine();
await findOrMakeKey();
try {
  const distributions = (Object.keys(DISTRIBUTIONS) as Distribution[]).filter(canBeMade);
  await Promise.all(distributions.map((distribution) => prepareImages(distribution, kindsOf(distribution))));
} finally {
  await removeContainers();
}
