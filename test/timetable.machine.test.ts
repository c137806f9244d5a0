import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repository } from './repository.ts';
import { $ } from './shell.ts';
import type { Outcome } from './timetable.ts';

const FILES = {
  'tests.test.js': `import { beforeAll, describe, expect, it } from 'vitest';
it('passes', () => {});
it('fails', () => expect('found').toBe('wanted'));
it('is skipped', ({ skip }) => skip());
describe('a group', () => {
  beforeAll(() => { throw new Error('cannot begin'); });
  it('is not run', () => {});
});`,
  'broken.test.js': "throw new Error('does not load');",
  'late.test.js': `import { it } from 'vitest';
it('passes', async () => {
  setTimeout(() => { throw new Error('nobody waited'); });
  await new Promise((resolve) => setTimeout(resolve, 20));
});`,
  'vitest.config.js': `export default { cacheDir: '.vite', test: { name: 'own', reporters: ['${join(repository, 'test/timetable.ts')}'] } };`,
};

it('says of a run what failed and how, also where no test did', async () => {
  const folder = await mkdtemp(join(repository, '.cache/timetable-'));
  try {
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
    const results = join(folder, 'results.json');
    const { exitCode, stdout } = await $({
      nothrow: true,
      env: { ...process.env, HARDEN_RESULTS: results },
    })`npx vitest run --root ${folder}`;
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/Time by file +seconds +tests\n/);
    const { failures, ...counts } = JSON.parse(await readFile(results, 'utf8')) as Outcome;
    expect(counts).toEqual({ passed: 2, failed: 4, skipped: 2 });
    expect([...failures].sort()).toEqual([
      'outside any test\n  nobody waited',
      'own broken.test.js\n  does not load',
      'own tests.test.js > a group\n  cannot begin',
      "own tests.test.js > fails\n  expected 'found' to be 'wanted' // Object.is equality",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
