import { $ } from '../shell.ts';
import type { Distribution } from './distributions.ts';
import { LABEL } from './engine.ts';
import { startHost, type TestHost } from './host.ts';
import { findOrMakeBareImage, hasImage, imageName, JAVA } from './image.ts';
import type { Kind } from './kinds.ts';
import { record } from './record.ts';

/** Makes a host what its kind says, from one of the kind that comes before. */
const RECIPES: {
  readonly [K in Exclude<Kind, 'bare'>]: { readonly from: Kind; make(host: TestHost): Promise<unknown> };
} = {
  fail2ban: {
    from: 'bare',
    make: (host) => host.install('fail2ban python3-systemd nftables'),
  },
  hardened: {
    from: 'bare',
    async make(host) {
      const applied = await record('apply', host.inventory(), { ownProcess: true });
      if (applied.exitCode !== 0)
        throw new Error(`The shipped playbook could not be applied: ${applied.text}`);
    },
  },
  log4j2: {
    from: 'fail2ban',
    async make(host) {
      await host.install('default-jdk-headless liblog4j2-java');
      await $`docker cp ${JAVA} ${host.name}:/opt/attack`;
      // the classes lie beside their sources
      await host.must(`cd /opt/attack
        javac -cp /usr/share/java/log4j-api.jar:/usr/share/java/log4j-core.jar $(find . -name '*.java')
        chmod -R a+rX .`);
    },
  },
};

/** Every host gets an identity of its own at its first boot, and no words of the host that its image was made of. */
const SEAL = `rm -f /etc/ssh/ssh_host_*; : >/etc/machine-id; rm -rf /var/log/journal/*
rm -f /home/*/.ssh/authorized_keys
for log in /var/log/fail2ban.log /var/log/auth.log; do [ ! -e $log ] || : >$log; done
sync`;

/** How many images of one kind stay: other checkouts of this repository may be using them. */
const KEPT = 3;

/** An image of what a host is now, which lasts longer than the run. */
async function commit(host: TestHost, name: string): Promise<void> {
  await $`docker commit --change ${`LABEL ${LABEL}=`} ${host.name} ${name}`;
}

/** Removes images of the same kind but the newest; one that a container still uses stays as well. */
async function removeOldest(name: string): Promise<void> {
  const repositoryOfImage = name.slice(0, name.indexOf(':'));
  // newest first
  const { stdout } = await $`docker images --format ${'{{.Repository}}:{{.Tag}}'} ${repositoryOfImage}`;
  const old = stdout.split('\n').filter(Boolean).slice(KEPT);
  if (old.length > 0) await $({ nothrow: true })`docker rmi ${old}`;
}

/** Makes the images of these kinds that are not there yet; says how long each took. */
export async function prepareImages(distribution: Distribution, kinds: readonly Kind[]): Promise<void> {
  for (const kind of kinds) await prepareImage(distribution, kind);
}

async function prepareImage(distribution: Distribution, kind: Kind): Promise<void> {
  const name = await imageName(distribution, kind);
  if (await hasImage(name)) return;
  const start = performance.now();
  if (kind === 'bare') await findOrMakeBareImage(distribution);
  else {
    const { from, make } = RECIPES[kind];
    await prepareImage(distribution, from);
    const host = await startHost({ distribution, kind: from });
    try {
      await make(host);
      await host.must(SEAL);
      await commit(host, name);
    } finally {
      await host.stop();
    }
  }
  await removeOldest(name);
  console.log(`Made the image ${name} (${kind}) in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
}
