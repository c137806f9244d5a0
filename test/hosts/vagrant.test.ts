import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { which } from 'zx';
import { harden } from '../cli/harden.ts';
import { repository } from '../repository.ts';
import { $ } from '../shell.ts';
import { findOrMakeKey } from './key.ts';

let folder: string;
let env: Record<string, string>;

/** Vagrant with a state of its own: neither the user's nor that of a machine started by hand. */
const run = (more: Readonly<Record<string, string>> = {}) =>
  $({
    cwd: join(repository, 'vagrant'),
    env: { ...process.env, ...env, ...more },
    quiet: true,
    nothrow: true,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harden-vagrant-'));
  env = {
    VAGRANT_HOME: join(folder, 'home'),
    VAGRANT_DOTFILE_PATH: join(folder, 'state'),
    VAGRANT_DEFAULT_PROVIDER: 'docker',
    VAGRANT_CHECKPOINT_DISABLE: '1',
  };
});
afterAll(async () => {
  await run()`vagrant destroy --force`;
  await rm(folder, { recursive: true });
});

it('comes up, is hardened, is in sync, goes', async () => {
  expect(await run()`npm run --silent vagrant:up`).toMatchObject({ exitCode: 0 });
  const id = await readFile(join(folder, 'state/machines/james/docker/id'), 'utf8');
  const path = join(folder, 'state/inventory.yaml');
  const inventory = await readFile(path, 'utf8');

  const { hosts, vars } = parse(inventory);
  const inside = async (command: string) => (await run()`docker exec ${id} sh -c ${command}`).stdout.trim();
  expect(hosts.james.host_key).toBe(await inside('cat /etc/ssh/ssh_host_ed25519_key.pub'));
  expect(vars.trusted).toEqual([await inside("ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'")]);

  expect(await harden(['check', path])).toMatchObject({ code: 2 });
  // nothing is said while packages are installed
  expect(await harden(['apply', '--yes', path], { silence: 120 })).toMatchObject({ code: 0 });
  expect(await harden(['check', path])).toMatchObject({ code: 0 });

  const another = join(folder, 'state/another-key.yaml');
  await writeFile(
    another,
    inventory.replace(hosts.james.host_key, (await findOrMakeKey()).authorized.trim()),
  );
  expect(await harden(['check', another])).toMatchObject({
    code: 3,
    stdout: expect.stringContaining('instead of the key pinned'),
  });

  expect(await run()`npm run --silent vagrant:down`).toMatchObject({ exitCode: 0 });
  expect(await run()`docker container inspect ${id}`).toMatchObject({ exitCode: 1 });
});

it('describes virtual machines as well', async () => {
  expect(await run()`ruby -c Vagrantfile`).toMatchObject({ exitCode: 0 });
  // without VirtualBox here, Vagrant checks all but its settings, which are those of libvirt
  const virtualBox = run({ VAGRANT_DEFAULT_PROVIDER: 'virtualbox' });
  expect(await virtualBox`vagrant validate --ignore-provider`).toMatchObject({ exitCode: 0 });
  const libvirt = run({ VAGRANT_DEFAULT_PROVIDER: 'libvirt' });
  expect(await libvirt`vagrant validate`).toMatchObject({ exitCode: 0 });
});

it('says what to install where there is no Vagrant', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const name of ['sh', 'dirname', 'basename', 'mkdir', 'node', 'npm', 'npx']) {
    await symlink(await which(name), join(bin, name));
  }
  const { exitCode, stderr } = await run({ PATH: bin })`npm run --silent vagrant:up`;
  expect(stderr).toContain('Install the Debian or Ubuntu package vagrant');
  expect(exitCode).toBe(1);
});
