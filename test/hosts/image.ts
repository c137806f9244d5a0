import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { $ } from 'zx';
import { fixtures, repository } from '../repository.ts';
import { DISTRIBUTIONS, type Distribution } from './distributions.ts';

// what a plain server has; fail2ban and python3 are absent on purpose: installing them is the job
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'sudo',
  'iproute2',
  'iptables',
  'iputils-ping',
  'procps',
  'ca-certificates',
  'netbase',
];

const FILES = join(repository, 'test/hosts/files');

/** Whether hosts of it can be made here: `test/prepare` pulls the images that a registry gives. */
export function canBeMade(distribution: Distribution): boolean {
  const { origin } = DISTRIBUTIONS[distribution];
  if ('suite' in origin) return true;
  return spawnSync('docker', ['image', 'inspect', origin.image], { stdio: 'ignore' }).status === 0;
}

/** The tag of a distribution's image: another recipe is another image. */
async function imageName(distribution: Distribution): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify([DISTRIBUTIONS[distribution], PACKAGES]));
  const names = (await readdir(FILES)).sort().map((name) => join(FILES, name));
  for (const name of [...names, join(fixtures, 'log4j2/james-3.8.0.xml')]) {
    digest.update(`\0${relative(repository, name)}\0`).update(await readFile(name));
  }
  return `harden-test-${distribution}:${digest.digest('hex').slice(0, 16)}`;
}

/** The Debian mirror that apt of this machine uses; none on other distributions, where mmdebstrap knows one. */
async function mirror(): Promise<string[]> {
  const { stdout } = await $({ quiet: true, nothrow: true })`apt-get indextargets --format ${'$(REPO_URI)'}`;
  return stdout
    .split('\n')
    .filter((uri) => /\/debian\/?$/.test(uri))
    .slice(0, 1);
}

/** The name of the image of a distribution, which is built if it is not there (about 30 seconds). */
export async function findOrBuildImage(distribution: Distribution): Promise<string> {
  const name = await imageName(distribution);
  if ((await $({ quiet: true, nothrow: true })`docker image inspect ${name}`).exitCode === 0) return name;
  const { origin } = DISTRIBUTIONS[distribution];
  await ('suite' in origin ? bootstrap(origin.suite, name) : extend(origin.image, name));
  return name;
}

// systemd learns from the variable that it runs in a container
const CONTAINER = ['ENV container=docker', 'CMD ["/lib/systemd/systemd"]'];

async function bootstrap(suite: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'harden-image-'));
  try {
    const tar = join(folder, 'root.tar');
    const hook = 'sh "$HARDEN_RECIPE" "$1"';
    await $({
      quiet: true,
      env: { ...process.env, HARDEN_RECIPE: join(FILES, 'recipe') },
    })`mmdebstrap --quiet --variant=minbase --include=${PACKAGES.join(',')} --customize-hook=${hook} ${suite} ${tar} ${await mirror()}`;
    await $({ quiet: true })`docker import ${CONTAINER.flatMap((line) => ['--change', line])} ${tar} ${name}`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The same packages and the same recipe on an image that somebody else made. */
async function extend(image: string, name: string): Promise<void> {
  const lines = [
    `FROM ${image}`,
    `RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGES.join(' ')}`,
    'COPY . /tmp/test',
    'RUN sh /tmp/test/hosts/files/recipe / && rm -r /tmp/test',
    ...CONTAINER,
  ];
  await $({
    quiet: true,
    input: lines.join('\n'),
  })`docker build --quiet --tag ${name} --file - ${join(repository, 'test')}`;
}
