import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError } from '../document/problem.ts';

const USUAL = ['inventory.yaml', 'inventory/inventory.yaml'];

/** The inventory's path: as given, else `$HARDEN_INVENTORY`, else where one usually lies. Throws `InputError`. */
export async function findInventory(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<string> {
  const named = given ?? (env.HARDEN_INVENTORY || undefined);
  if (named !== undefined) return resolve(cwd, named);
  for (const name of USUAL) {
    const path = resolve(cwd, name);
    if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  }
  throw new InputError([
    {
      file: 'inventory',
      message: `none was given and none was found: looked at $HARDEN_INVENTORY, ${USUAL.join(' and ')} in ${cwd}`,
    },
  ]);
}
