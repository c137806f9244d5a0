import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { which } from 'zx';
import { parseSettings } from '../src/transport/ssh-config.ts';
import { createArguments } from '../test/hosts/container.ts';
import { testedDistribution } from '../test/hosts/distributions.ts';
import { findEngine } from '../test/hosts/engine.ts';
import { canBeMade, findOrMakeBareImage } from '../test/hosts/image.ts';
import { repository } from '../test/repository.ts';
import { $ } from '../test/shell.ts';

/** Behind `npm run vagrant:up`: starts the machine, or finds it running, and writes an inventory of it. */
const MACHINE = 'james';
const IMAGE = 'harden-vagrant';

const folder = join(repository, 'vagrant');
const state = resolve(folder, process.env.VAGRANT_DOTFILE_PATH ?? '.vagrant');
const inFolder = $({ cwd: folder });

if (!(await which('vagrant', { nothrow: true }))) {
  console.error(
    'Vagrant is not on this machine. Install the Debian or Ubuntu package vagrant (as root, "sh test/prepare vagrant" does so) and run this again.',
  );
  process.exit(1);
}

const provider = await chosenProvider();
if (provider === 'docker') await describeContainer();
await $({ cwd: folder, stdio: 'inherit' })`vagrant up --provider=${provider}`;

const inventory = join(state, 'inventory.yaml');
await writeFile(inventory, await inventoryText());
console.log(
  `\nThe machine is up, and its inventory is written. Next: harden check ${relative(repository, inventory)}`,
);

/** Vagrant's own choice: the machine's if there is one, otherwise VAGRANT_DEFAULT_PROVIDER, or the Vagrantfile's first that works here. */
async function chosenProvider(): Promise<string> {
  const { stdout } = await inFolder`vagrant status --machine-readable ${MACHINE}`;
  const name = /^\d+,[^,]*,provider-name,(\w+)$/m.exec(stdout)?.[1];
  if (name === undefined) throw new Error(`vagrant status names no provider:\n${stdout}`);
  return name;
}

/** Tells the Vagrantfile of an image and of how this engine runs systemd: by a file, for a plain `vagrant up` as well. */
async function describeContainer(): Promise<void> {
  const engine = await findEngine();
  const host = await findOrMakeBareImage(canBeMade('ubuntu2204') ? 'ubuntu2204' : testedDistribution());
  // not Vagrant's build_dir: it cannot read what engines with containerd's image store print
  const input = await readFile(join(folder, 'Dockerfile'));
  await $({ input })`docker build --quiet --tag ${IMAGE} --build-arg HOST=${host} -`;
  await mkdir(state, { recursive: true });
  await writeFile(
    join(state, 'container.json'),
    JSON.stringify({ image: IMAGE, arguments: createArguments(engine) }),
  );
}

async function inventoryText(): Promise<string> {
  // ssh itself reads what is meant for it
  const config = join(state, 'ssh-config');
  await writeFile(config, (await inFolder`vagrant ssh-config ${MACHINE}`).stdout);
  const { stdout } = await $`ssh -G -F ${config} ${MACHINE}`;
  const settings = parseSettings(stdout, MACHINE, process.env);
  // over Vagrant's channel, which never left this machine: from here on the key is pinned
  const asked = 'cat /etc/ssh/ssh_host_ed25519_key.pub; echo "${SSH_CONNECTION%% *}"';
  const answer = await inFolder`vagrant ssh --no-tty --command ${asked} ${MACHINE}`;
  const [hostKey, client] = answer.stdout.split('\n');
  const text = {
    playbook: relative(state, join(repository, 'playbooks/james-fail2ban.yaml')),
    // this machine, as the other sees it: Vagrant's logins are not counted
    vars: { trusted: [client] },
    hosts: {
      [MACHINE]: {
        address: settings.host,
        port: settings.port,
        user: settings.user,
        identity_file: settings.identityFiles[0],
        host_key: hostKey,
      },
    },
  };
  return stringify(text, { lineWidth: 0 });
}
