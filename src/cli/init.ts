import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import exampleInventory from '../../inventory/example.yaml';
import shippedPlaybook from '../../playbooks/james-fail2ban.yaml';
import { InputError } from '../document/problem.ts';
import { printable } from '../text/harmless.ts';

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
  await mkdir(resolve(folder), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) {
    // it says how to get into hosts; never over a file that came to be there meanwhile
    await writeFile(join(resolve(folder), name), text, { mode: 0o600, flag: 'wx' });
  }
  const [first = '', second = ''] = paths.map((path) => printable(relative('', path)));
  process.stdout.write(
    `Wrote ${first} and ${second}.\nPut your hosts and your own addresses (trusted) into ${first}, then: harden check ${first}\n`,
  );
  return 0;
}
