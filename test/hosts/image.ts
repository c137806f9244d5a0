import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'zx';

/** What hosts are made of. A distribution is one row. */
const DISTRIBUTIONS = {
  debian12: { suite: 'bookworm' },
} as const;

export type Distribution = keyof typeof DISTRIBUTIONS;

const PACKAGES =
  'systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,iptables,iputils-ping,procps,ca-certificates,netbase';

const RECIPE = join(import.meta.dirname, 'image');
const local = $({ quiet: true });

/** Outside the repository: things that cost time to make. */
export const cache = (): string => {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'harden-test');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
};

/** The key that test hosts let in. */
export async function loginKey(): Promise<string> {
  const path = join(cache(), 'id_ed25519');
  if (!existsSync(path)) await local`ssh-keygen -q -t ed25519 -N ${''} -C harden-test -f ${path}`;
  return path;
}

/** The image's tag; built once per recipe, from the mirror that this machine's own apt uses. */
export async function image(distribution: Distribution): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify(DISTRIBUTIONS[distribution])).update(PACKAGES);
  for (const name of readdirSync(RECIPE).sort()) digest.update(readFileSync(join(RECIPE, name)));
  const tag = `harden-test-${distribution}:${digest.digest('hex').slice(0, 12)}`;
  if ((await local({ nothrow: true })`docker image inspect ${tag}`).exitCode === 0) return tag;
  const mirror = await debianMirror();
  const folder = mkdtempSync(join(tmpdir(), 'harden-image-'));
  try {
    const tar = join(folder, 'root.tar');
    const hook = `--customize-hook=sh ${RECIPE}/recipe.sh "$1" ${RECIPE}`;
    const made = await local({
      nothrow: true,
    })`mmdebstrap --variant=minbase --include=${PACKAGES} ${hook} ${DISTRIBUTIONS[distribution].suite} ${tar} ${mirror}`;
    if (made.exitCode !== 0) throw new Error(`no image could be made:\n${made.stderr.slice(-2000)}`);
    await local`docker import --change ${'ENV container=docker'} ${tar} ${tag}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tag;
}

async function debianMirror(): Promise<string> {
  const { stdout } = await local`apt-get indextargets --format ${'$(REPO_URI)'}`;
  const mirror = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror)
    throw new Error('apt on this machine is not configured with a Debian mirror to make test hosts from');
  return mirror;
}
