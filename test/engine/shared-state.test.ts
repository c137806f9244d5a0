import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SharedState, stateFolder } from '../../src/engine/shared-state.ts';
import { repository } from '../repository.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harden-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

const root = () => join(folder, 'a/connections');
const add = (state: SharedState, key: string) =>
  state.update(key, (old) => [...(Array.isArray(old) ? old : []), 1]);
async function value(key: string): Promise<unknown> {
  let seen: unknown;
  await new SharedState(root()).update(key, (old) => {
    seen = old;
    return old;
  });
  return seen;
}
const only = async () => join(root(), (await readdir(root()))[0]!);

describe('stateFolder', () => {
  it.each([
    [{ XDG_STATE_HOME: '/var/x' }, /^\/var\/x\/harden$/],
    [{ XDG_STATE_HOME: 'x' }, /^\/.*\/\.local\/state\/harden$/],
    [{ XDG_STATE_HOME: '' }, /^\/.*\/\.local\/state\/harden$/],
    [{}, /^\/.*\/\.local\/state\/harden$/],
  ])('of %j', (env, expected) => expect(stateFolder(env)).toMatch(expected));
});

describe('SharedState', () => {
  it('keeps a value for each key, readable by its account alone', async () => {
    const state = new SharedState(root());
    await add(state, 'a');
    const folder = await only();
    expect((await stat(root())).mode & 0o777).toBe(0o700);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, '1'))).mode & 0o777).toBe(0o600);
    await add(state, '../../etc');
    await add(new SharedState(root()), 'a');
    expect([await value('a'), await value('../../etc'), await value('b')]).toEqual([[1, 1], [1], undefined]);
  });

  it('writes nothing where nothing changes', async () => {
    await add(new SharedState(root()), 'a');
    const before = await readdir(await only());
    await value('a');
    expect(await readdir(await only())).toEqual(before);
  });

  it.each(['', '[1', '\0\0\0', '\xff'])('is as if there were nothing where a file says %j', async (text) => {
    await add(new SharedState(root()), 'a');
    await writeFile(join(await only(), '7'), text, 'latin1');
    await add(new SharedState(root()), 'a');
    expect(await value('a')).toEqual([1]);
  });

  it('stays small', async () => {
    const state = new SharedState(root());
    for (let count = 0; count < 30; count++) await add(state, 'a');
    await writeFile(join(await only(), '.1.0123456789ab'), 'left by a run that was killed');
    await writeFile(join(await only(), `.${Date.now()}.0123456789ab`), 'being written');
    await add(state, 'a');
    const left = await readdir(await only());
    expect(left.filter((name) => !name.startsWith('.'))).toHaveLength(8);
    expect(left.filter((name) => name.startsWith('.'))).toHaveLength(1);
  });

  it('forgets what nobody has used for a month, and nothing that is not its own', async () => {
    await add(new SharedState(root()), 'a');
    const old = new Date(Date.now() - 31 * 86_400_000);
    await utimes(await only(), old, old);
    await mkdir(join(root(), 'mine'));
    await utimes(join(root(), 'mine'), old, old);
    await add(new SharedState(root()), 'b');
    expect(await value('a')).toBeUndefined();
    expect(await readdir(root())).toContain('mine');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a file where its folder should be', () => writeFile(join(folder, 'a'), '')],
    [
      'a folder where a version should be',
      async () => {
        await add(new SharedState(root()), 'a');
        await mkdir(join(await only(), '2'));
      },
    ],
  ])('says so of %s', async (_, spoil) => {
    await spoil();
    await expect(add(new SharedState(root()), 'a')).rejects.toThrow(/ENOTDIR|EEXIST|EISDIR/);
  });

  it('loses nothing, whichever of several processes is faster', async () => {
    const program = join(folder, 'program.cjs');
    await build({
      stdin: {
        contents: `import { SharedState } from './src/engine/shared-state.ts';
          const state = new SharedState(process.argv[2]);
          const add = () => state.update('a', (old) => [...(old ?? []), process.pid]);
          (async () => { for (let turn = 0; turn < 25; turn++) await Promise.all([add(), add()]); })();`,
        resolveDir: repository,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      outfile: program,
    });
    const children = [1, 2, 3].map(() => spawn(process.execPath, [program, root()], { stdio: 'inherit' }));
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    const pids = (await value('a')) as number[];
    for (const { pid } of children) expect(pids.filter((one) => one === pid)).toHaveLength(50);
    expect((await readdir(await only())).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
