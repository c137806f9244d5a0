import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { followLinks } from '../../src/shell/links.ts';

const folder = mkdtempSync(join(tmpdir(), 'links-'));
afterAll(() => rmSync(folder, { recursive: true }));
symlinkSync('file', join(folder, 'link'));

const follow = (before = '') =>
  spawnSync('dash', ['-s'], {
    input: `${followLinks.text}\n${before}\nfollow_links '${folder}/link' :; echo "$? $at"`,
  }).stdout.toString();

it('a path is followed to where its link leads', () => expect(follow()).toBe(`0 ${folder}/file\n`));

it('a link that goes away meanwhile leads nowhere, least of all to its folder', () =>
  // what readlink prints of what is no link any more
  expect(follow('readlink() { return 1; }')).toMatch(/^1 /));
