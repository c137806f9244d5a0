import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fixtures, repository } from '../repository.ts';
import { $ } from '../shell.ts';
import { DISTRIBUTIONS, type Distribution } from './distributions.ts';
import type { Kind } from './kinds.ts';

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
/** Sources of the program that logs as an attacked James does. */
export const JAVA = join(repository, 'test/hosts/java');

/** Whether hosts of it can be made here: `test/prepare` pulls the images that a registry gives. */
export function canBeMade(distribution: Distribution): boolean {
  const { origin } = DISTRIBUTIONS[distribution];
  if ('suite' in origin) return true;
  return spawnSync('docker', ['image', 'inspect', origin.image], { stdio: 'ignore' }).status === 0;
}

const LOG4J2 = join(fixtures, 'log4j2/james-3.8.0.xml');
/** What says how images are made. */
const [BARE, DERIVED] = ['image.ts', 'prepared.ts'].map((name) => join(repository, 'test/hosts', name)) as [
  string,
  string,
];

/** Files that an image is made of: where one differs, the image is another one. */
const INGREDIENTS: { readonly [K in Kind]: () => Promise<readonly string[]> } = {
  bare: async () => [BARE, ...(await filesBelow(FILES)), LOG4J2],
  fail2ban: async () => [...(await INGREDIENTS.bare()), DERIVED],
  hardened: async () => [
    ...(await INGREDIENTS.fail2ban()),
    join(repository, 'test/hosts/inventory.ts'),
    join(repository, 'playbooks/james-fail2ban.yaml'),
    join(repository, 'dist/harden.cjs'),
  ],
  log4j2: async () => [...(await INGREDIENTS.fail2ban()), ...(await filesBelow(JAVA))],
};

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The name of an image, whose tag is a digest of what it is made of. */
export async function imageName(distribution: Distribution, kind: Kind): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify([DISTRIBUTIONS[distribution].origin, PACKAGES]));
  for (const file of await INGREDIENTS[kind]())
    digest.update(`\0${relative(repository, file)}\0`).update(await readFile(file));
  return `harden-test-${distribution}-${kind}:${digest.digest('hex').slice(0, 16)}`;
}

export async function hasImage(name: string): Promise<boolean> {
  return (await $({ nothrow: true })`docker image inspect ${name}`).exitCode === 0;
}

/** The name of the image of a fresh host, which is made if it is not there (about 30 seconds). */
export async function findOrMakeBareImage(distribution: Distribution): Promise<string> {
  const name = await imageName(distribution, 'bare');
  if (await hasImage(name)) return name;
  const { origin } = DISTRIBUTIONS[distribution];
  await ('suite' in origin ? bootstrap(origin.suite, name) : extend(origin.image, name));
  return name;
}

/** The Debian mirror that apt of this machine uses; none on other distributions, where mmdebstrap knows one. */
async function mirror(): Promise<string[]> {
  const { stdout } = await $({ nothrow: true })`apt-get indextargets --format ${'$(REPO_URI)'}`;
  return stdout
    .split('\n')
    .filter((uri) => /\/debian\/?$/.test(uri))
    .slice(0, 1);
}

// systemd learns from the variable that it runs in a container
const CONTAINER = ['ENV container=docker', 'CMD ["/lib/systemd/systemd"]'];

async function bootstrap(suite: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'harden-image-'));
  try {
    const tar = join(folder, 'root.tar');
    const hook = 'sh "$HARDEN_RECIPE" "$1"';
    await $({
      env: { ...process.env, HARDEN_RECIPE: join(FILES, 'recipe') },
    })`mmdebstrap --quiet --variant=minbase --skip=cleanup/apt --include=${PACKAGES.join(',')} --customize-hook=${hook} ${suite} ${tar} ${await mirror()}`;
    await $`docker import ${CONTAINER.flatMap((line) => ['--change', line])} ${tar} ${name}`;
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
    input: lines.join('\n'),
  })`docker build --quiet --tag ${name} --file - ${join(repository, 'test')}`;
}
