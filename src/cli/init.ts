import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import exampleInventory from '../../inventory/example.yaml';
import shippedPlaybook from '../../playbooks/james-fail2ban.yaml';
import { InputError, type Problem } from '../document/problem.ts';
import { printable } from '../text/harmless.ts';
import { errorCode, message } from '../transport/errors.ts';

const PLAYBOOK = 'james-fail2ban.yaml';

/** The example of the repository, for a playbook beside it. */
const inventory = exampleInventory
  .replace(/^# Copy it, .*$/m, '# Keep what you need of it, then: harden check')
  .replace(/^playbook: .*$/m, `playbook: ${PLAYBOOK}`);

const FILES = { 'inventory.yaml': inventory, [PLAYBOOK]: shippedPlaybook };

/** Writes an inventory and a playbook to start from. Throws `InputError`, with nothing written, where one is there. */
export async function init(folder: string): Promise<number> {
  const paths = Object.keys(FILES).map((name) => join(resolve(folder), name));
  const there = await Promise.all(
    paths.map(async (path) => (await stat(path).catch(() => undefined)) && path),
  );
  const problems = there.flatMap((path) =>
    path ? [{ file: relative('', path), message: 'it is there already; nothing was written' }] : [],
  );
  if (problems.length > 0) throw new InputError(problems);
  await makeFolder(resolve(folder)).catch((error: unknown) => {
    throw new InputError([unwritable(resolve(folder), error)]);
  });
  for (const [index, text] of Object.values(FILES).entries()) {
    const path = paths[index]!;
    // it says how to get into hosts; never over a file that came to be there meanwhile
    await writeFile(path, text, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
      throw new InputError([unwritable(path, error)]);
    });
  }
  const [first = '', second = ''] = paths.map((path) => printable(relative('', path)));
  process.stdout.write(
    `Wrote ${first} and ${second}.\nPut your hosts and your own addresses (trusted) into ${first}, then: harden check ${first}\n`,
  );
  return 0;
}

const unwritable = (path: string, error: unknown): Problem => ({
  file: relative('', path) || '.',
  message: `cannot be made (${message(error)}); name a folder that you can write to`,
});

/** With those above it. Node's own way never comes to an end where a folder that is there takes no others, as /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || (await stat(above).catch(() => undefined))) throw error;
    await makeFolder(above);
    await mkdir(path);
  }
}
