import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findInventory } from '../../src/inventory/find.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'harden-find-'));
  mkdirSync(join(folder, 'a/inventory'), { recursive: true });
  mkdirSync(join(folder, 'b/inventory'), { recursive: true });
  mkdirSync(join(folder, 'c'));
  for (const name of ['a/inventory.yaml', 'a/inventory/inventory.yaml', 'b/inventory/inventory.yaml']) {
    writeFileSync(join(folder, name), '');
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('findInventory', () => {
  it.each([
    ['as given', 'x.yaml', { HARDEN_INVENTORY: 'y.yaml' }, 'a', 'a/x.yaml'],
    ['from the environment', undefined, { HARDEN_INVENTORY: 'y.yaml' }, 'a', 'a/y.yaml'],
    ['here', undefined, {}, 'a', 'a/inventory.yaml'],
    ['in its folder', undefined, { HARDEN_INVENTORY: '' }, 'b', 'b/inventory/inventory.yaml'],
  ])('%s', async (_, given, env, cwd, expected) => {
    expect(await findInventory(given, env, join(folder, cwd))).toBe(join(folder, expected));
  });

  it('says where it looked', async () => {
    await expect(findInventory(undefined, {}, join(folder, 'c'))).rejects.toThrow(
      /\$HARDEN_INVENTORY, inventory.yaml and inventory\/inventory.yaml in /,
    );
  });
});
