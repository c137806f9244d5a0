import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { $ } from '../shell.ts';

/** What tests keep from one checkout to the next, outside of each. */
export const CACHE =
  process.env.HARDEN_TEST_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'harden-test');

export interface KeyPair {
  /** The path of the private key. */
  readonly file: string;
  /** The line for authorized_keys. */
  readonly authorized: string;
}

/** The key pair that opens the test hosts: made once, kept outside the repository, never part of an image. */
export async function findOrMakeKey(): Promise<KeyPair> {
  const folder = join(CACHE, 'key');
  if (!existsSync(folder)) {
    await mkdir(CACHE, { recursive: true });
    const fresh = await mkdtemp(join(CACHE, 'key-'));
    await $`ssh-keygen -q -t ed25519 -N ${''} -C harden-test -f ${join(fresh, 'id_ed25519')}`;
    try {
      // both halves at once, so that two processes never mix theirs
      await rename(fresh, folder);
    } catch (error) {
      await rm(fresh, { recursive: true });
      if (!existsSync(folder)) throw error;
    }
  }
  const file = join(folder, 'id_ed25519');
  return { file, authorized: await readFile(`${file}.pub`, 'utf8') };
}
