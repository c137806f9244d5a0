import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}

/** The root of this repository. Looked for upwards, because the quick start runs from a bundle that lies elsewhere. */
export const repository = rootAbove(dirname(fileURLToPath(import.meta.url)));

/** Files as they are met: its README says where they are from. */
export const fixtures = join(repository, 'test/fixtures');
