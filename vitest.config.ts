import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import {
  DISTRIBUTIONS,
  type Distribution,
  EVERYWHERE,
  isLong,
  REFERENCE,
} from './test/hosts/distributions.ts';
import { canBeMade } from './test/hosts/image.ts';
import { CACHE } from './test/hosts/key.ts';
import { repository } from './test/repository.ts';

const distributions = (Object.keys(DISTRIBUTIONS) as Distribution[]).filter(canBeMade);

// for two cores: a worker waits for its host, and for windows, most of the time
const WORKERS = 5;

/** The long run leaves out nothing but the loops, which are the same everywhere. */
function filesOf(distribution: Distribution): string[] {
  if (distribution === REFERENCE) return ['test/hosts/**/*.test.ts'];
  return isLong
    ? ['test/hosts/*.test.ts']
    : Object.keys(EVERYWHERE).map((name) => existing(`test/hosts/${name}.test.ts`));
}

/** A file that was renamed would be left out without a word. */
function existing(file: string): string {
  if (!existsSync(join(repository, file)))
    throw new Error(`There is no ${file}, which is to run everywhere.`);
  return file;
}

const MACHINE = 'test/**/*.machine.test.ts';

/** A project whose tests need no host. */
const local = (name: string, files: { readonly include: string[]; readonly exclude?: string[] }) => ({
  test: {
    name,
    ...files,
    globalSetup: ['test/build.ts'],
    // a process for each of so many small files would take longer than their tests
    isolate: false,
    testTimeout: 30_000,
    maxWorkers: WORKERS,
  },
});

export default defineConfig({
  // how long each file took, so that a fresh checkout begins with the longest as well
  cacheDir: join(CACHE, `vite-${process.version}`),
  test: {
    reporters: ['default', './test/timetable.ts'],
    projects: [
      local('unit', { include: ['test/**/*.test.ts'], exclude: [MACHINE, 'test/hosts/**'] }),
      // what needs more of this machine than Node: OpenSSH, Python, root
      local('machine', { include: [MACHINE] }),
      ...distributions.map((distribution) => ({
        test: {
          name: distribution,
          include: filesOf(distribution),
          env: { HARDEN_TEST_DISTRIBUTION: distribution },
          globalSetup: ['test/build.ts', 'test/hosts/setup.ts'],
          setupFiles: ['test/record-waits.ts'],
          // what most of them load, testcontainers and an SSH library, takes longer than a host's boot
          isolate: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: WORKERS,
        },
      })),
    ],
  },
});
