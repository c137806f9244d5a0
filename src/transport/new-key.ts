import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { keyType } from './known-hosts.ts';

/** `|1|salt|hash`, as `HashKnownHosts` has it: who reads the file does not learn which hosts there are. */
export function hashedName(name: string, salt: Buffer = randomBytes(20)): string {
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

/**
 * Adds a line to a known_hosts file, for its owner alone where there was none. Throws if it cannot, also where the "file"
 * keeps nothing.
 */
export async function appendKey(file: string, name: string, key: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error('it is not a file');
    const last = Buffer.alloc(1, '\n');
    if (found.size > 0) await handle.read(last, 0, 1, found.size - 1);
    const line = `${hashedName(name)} ${keyType(key)} ${key.toString('base64')}\n`;
    // one write at the end of the file: lines of others who append at the same time stay whole
    await handle.write(last.toString() === '\n' ? line : `\n${line}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
