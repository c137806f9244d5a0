import { defineConfig } from 'vitest/config';
import { DISTRIBUTIONS, type Distribution } from './test/hosts/distributions.ts';
import { canBeMade } from './test/hosts/image.ts';

const distributions = (Object.keys(DISTRIBUTIONS) as Distribution[]).filter(canBeMade);

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
