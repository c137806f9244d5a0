import { spawnSync } from 'node:child_process';
import { defineConfig } from 'vitest/config';
import { DISTRIBUTIONS, type Distribution } from './test/hosts/distributions.ts';

/** Whether hosts of it can be made here: `test/prepare` pulls the images that a registry gives. */
function available(distribution: Distribution): boolean {
  const { origin } = DISTRIBUTIONS[distribution];
  if ('suite' in origin) return true;
  return spawnSync('docker', ['image', 'inspect', origin.image], { stdio: 'ignore' }).status === 0;
}

const distributions = (Object.keys(DISTRIBUTIONS) as Distribution[]).filter(available);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/hosts/**'],
          globalSetup: ['test/build.ts'],
        },
      },
      // the same tests on every distribution; those in once/ ask nothing of it
      ...distributions.map((distribution) => ({
        test: {
          name: distribution,
          include: ['test/hosts/**/*.test.ts'],
          exclude: distribution === 'debian12' ? [] : ['test/hosts/once/**'],
          env: { HARDEN_TEST_DISTRIBUTION: distribution },
          globalSetup: ['test/build.ts', 'test/hosts/setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 4,
        },
      })),
    ],
  },
});
