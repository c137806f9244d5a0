import { randomBytes } from 'node:crypto';
import { $ } from 'zx';
import { LABEL, REPOSITORY } from './host.ts';
import { image, loginKey } from './image.ts';

// its image lies in a registry that may be out of reach; containers are removed by label instead
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';

/** Once before all tests on hosts: never skips, a run without hosts is a failure. */
export async function setup(): Promise<void> {
  process.env.HARDEN_TEST_RUN = randomBytes(6).toString('hex');
  if ((await $({ quiet: true, nothrow: true })`docker info`).exitCode !== 0) {
    throw new Error('No Docker engine answers. Run: sh test/prepare');
  }
  await $({ quiet: true, cwd: REPOSITORY })`npm run --silent build`;
  await loginKey();
  await image('debian12');
}

export async function teardown(): Promise<void> {
  await removeContainers();
}

export async function removeContainers(): Promise<void> {
  const docker = $({ quiet: true, nothrow: true });
  const label = `label=${LABEL}=${process.env.HARDEN_TEST_RUN ?? 'quickstart'}`;
  const ids = (await docker`docker ps -aq --filter ${label}`).stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await docker`docker rm -f -v ${ids}`;
}
