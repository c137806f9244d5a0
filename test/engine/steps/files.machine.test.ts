import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory, setAttributes, writeFile } from '../../../src/engine/steps/files.ts';
import { stepLibrary } from '../../../src/engine/steps/library.ts';
import { raw, type Sh } from '../../../src/shell/quote.ts';
import type { WriteFile } from '../../../src/tasks/change.ts';

let dir = '';
let run = '';
beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), 'harden-files-'));
  dir = join(base, "it's a $(dir)");
  run = join(base, 'run');
  for (const folder of [dir, run, join(run, 'before'), join(run, 'after')]) mkdirSync(folder);
  writeFileSync(join(run, 'files'), '');
  return () => rmSync(base, { recursive: true });
});

/** As a step of a job runs. */
function step(code: Sh): { status: number | null; said: string } {
  const script = `umask 077; RUN=$1; ${stepLibrary.text}\n( set -e; step() {\n${code.text}\n}; step )`;
  const { status, stderr } = spawnSync('sh', ['-s', run], { input: script.replace('$1', `'${run}'`) });
  return { status, said: stderr.toString() };
}

const at = (name: string) => join(dir, name);
const mode = (name: string) => (statSync(at(name)).mode & 0o7777).toString(8);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const write = (name: string, text: string, over: Partial<WriteFile> = {}) =>
  writeFile({
    kind: 'write-file',
    path: at(name),
    before: { state: 'absent' },
    content: Buffer.from(text),
    ...over,
  });
const old = (text: string): Pick<WriteFile, 'before'> => ({
  before: { state: 'file', sha256: sha256(text) },
});
const there = (name: string, text: string, bits = 0o640) => {
  writeFileSync(at(name), text);
  chmodSync(at(name), bits);
};

describe('writing a file', () => {
  it.each([
    [undefined, '644'],
    ['0600', '600'],
    ['4755', '4755'],
  ])('makes one of mode %s', (wanted, got) => {
    expect(step(write('-n', 'new\n', wanted ? { mode: wanted } : {}))).toEqual({ status: 0, said: '' });
    expect(readFileSync(at('-n'), 'utf8')).toBe('new\n');
    expect(mode('-n')).toBe(got);
    expect(readdirSync(dir)).toEqual(['-n']);
  });

  it.each([
    [undefined, '640'],
    ['0600', '600'],
  ])('replaces one and keeps what is not asked for: mode %s', (wanted, got) => {
    there('a', 'old\n');
    expect(step(write('a', 'new\n', { ...old('old\n'), ...(wanted ? { mode: wanted } : {}) })).status).toBe(
      0,
    );
    expect(readFileSync(at('a'), 'utf8')).toBe('new\n');
    expect(mode('a')).toBe(got);
    // what was there can be put back
    expect(readFileSync(join(run, 'before/1'), 'utf8')).toBe('old\n');
    expect(readFileSync(join(run, 'files'), 'utf8')).toBe(`1 file ${at('a')}\n`);
  });

  it('gives nothing of the mode of one to the next', () => {
    there('a', 'old\n', 0o6755);
    there('b', 'old\n', 0o600);
    for (const name of ['a', 'b']) expect(step(write(name, 'new\n', old('old\n'))).status).toBe(0);
    expect([mode('a'), mode('b')]).toEqual(['6755', '600']);
    expect(existsSync(join(run, 'model'))).toBe(false);
  });

  it('takes away what runs that were cut off in the middle of it left there, and nothing else', () => {
    for (const name of ['.harden.aB3dE6', '.harden.sevench', '.harden', 'harden.aB3dE6']) there(name, 'half');
    mkdirSync(at('.harden.folder'));
    expect(step(write('a', 'new\n'))).toEqual({ status: 0, said: '' });
    expect(readdirSync(dir).sort()).toEqual([
      '.harden',
      '.harden.folder',
      '.harden.sevench',
      'a',
      'harden.aB3dE6',
    ]);
  });

  it('nobody else can read what is secret while it is written', () => {
    there('a', 'old\n', 0o644);
    const validate = 'stat -c %a -- "$1" >&2; exit 1';
    const { said } = step(write('a', 'secret\n', { ...old('old\n'), mode: '0600', validate }));
    expect(said).toMatch(/^600\n/);
    expect(said).toContain('is not valid; the old one was left alone');
    expect(mode('a')).toBe('644');
  });

  it('says of a secret only that it is not valid, not what is wrong with it', () => {
    const validate = 'cat "$1"; cat "$1" >&2; exit 7';
    expect(step(write('a', 'hunter2\n', { validate, sensitive: true }))).toEqual({
      status: 1,
      said: `the new ${at('a')} is not valid: its validate command ended with exit status 7, and what it said is not shown, because the file is sensitive; the old one was left alone\n`,
    });
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each<[string, () => void, Partial<WriteFile>, string]>([
    ['appeared', () => there('a', 'theirs\n'), {}, 'appeared after the plan was made'],
    [
      'appeared as a dangling link',
      () => symlinkSync('/nowhere', at('a')),
      {},
      'appeared after the plan was made',
    ],
    ['changed', () => there('a', 'theirs\n'), old('old\n'), 'changed after the plan was made'],
    ['went away', () => {}, old('old\n'), 'changed after the plan was made'],
    [
      'became a link to one alike',
      () => {
        there('b', 'old\n');
        symlinkSync(at('b'), at('a'));
      },
      old('old\n'),
      'changed after the plan was made',
    ],
    ['does not pass its validation', () => {}, { validate: 'echo no >&2; exit 3' }, 'no\nthe new'],
  ])('leaves alone what %s', (_, prepare, over, said) => {
    prepare();
    const before = readdirSync(dir);
    const result = step(write('a', 'new\n', over));
    expect(result.status).not.toBe(0);
    expect(result.said).toContain(said);
    expect(readdirSync(dir)).toEqual(before);
    if (existsSync(at('b'))) expect(readFileSync(at('b'), 'utf8')).toBe('old\n');
  });

  it('says where there is no room for it, and leaves nothing of it', () => {
    there('a', 'old\n');
    rmSync(join(run, 'before'), { recursive: true });
    const { status, said } = step(write('a', 'new\n', old('old\n')));
    expect(status).toBe(1);
    expect(said).toMatch(
      /a could not be kept in \/var\/lib\/harden \(is the disk full\?\); it was left alone\n$/,
    );
    expect(readFileSync(at('a'), 'utf8')).toBe('old\n');
    expect(readdirSync(dir)).toEqual(['a']);
    expect(readdirSync(run).sort()).toEqual(['after', 'files']);
    expect(readFileSync(join(run, 'files'), 'utf8')).toBe('');
  });

  it('says where the folder is missing', () => {
    expect(step(write('none/a', 'x')).said).toContain(`${at('none')} does not exist`);
  });
});

describe('attributes and folders', () => {
  const set = (name: string) =>
    setAttributes({ kind: 'set-attributes', path: at(name), mode: '0600', summary: '' });

  it('sets those of a file', () => {
    there('a', 'x');
    expect(step(set('a'))).toEqual({ status: 0, said: '' });
    expect(mode('a')).toBe('600');
  });

  it('but not of what a link leads to', () => {
    there('a', 'x');
    symlinkSync(at('a'), at('link'));
    expect(step(set('link')).said).toContain('was replaced by a link after the plan was made');
    expect(mode('a')).toBe('640');
  });

  it('makes a folder of just this mode and of its own group in one that hands down its own', () => {
    chmodSync(dir, 0o2775);
    expect(step(makeDirectory({ kind: 'make-directory', path: at('new'), mode: '0755' })).said).toBe('');
    expect(mode('new')).toBe('755');
    expect(statSync(at('new')).gid).toBe(process.getgid!());
  });

  it('takes away what a mode does not name', () => {
    mkdirSync(at('new'));
    chmodSync(at('new'), 0o2755);
    const change = { kind: 'set-attributes', path: at('new'), mode: '0755', summary: '' } as const;
    expect(step(setAttributes(change)).said).toBe('');
    expect(mode('new')).toBe('755');
  });

  it('makes a folder, through a link where that is the way', () => {
    mkdirSync(at('real'));
    symlinkSync(at('real'), at('link'));
    expect(step(makeDirectory({ kind: 'make-directory', path: at('link/a b'), mode: '0750' }))).toEqual({
      status: 0,
      said: '',
    });
    expect(mode('real/a b')).toBe('750');
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  });
});

describe('putting files back', () => {
  const restore = (...folders: string[]) => {
    const code = `restored=0; restore_files ${folders.map((folder) => `"${folder.replaceAll('$', '\\$')}"`).join(' ')} || restored=$?; echo "$restored$lost" >&2`;
    return step(raw(code)).said.trim();
  };

  it('puts back what was replaced and takes away what was made, in a folder or at a path and nowhere else', () => {
    there('a', 'old\n', 0o640);
    mkdirSync(at('other'));
    there('other/c', 'old\n');
    step(write('a', 'new\n', old('old\n')));
    step(write('b', 'new\n'));
    step(write('other/c', 'new\n', old('old\n')));
    expect(restore('/nowhere', at('other'))).toBe('0');
    expect(readFileSync(at('other/c'), 'utf8')).toBe('old\n');
    expect(readFileSync(at('a'), 'utf8')).toBe('new\n');
    expect(restore(at('a'))).toBe('0');
    expect(readFileSync(at('a'), 'utf8')).toBe('old\n');
    expect(existsSync(at('b'))).toBe(true);
    expect(restore(dir)).toBe('0');
    expect(mode('a')).toBe('640');
    expect(existsSync(at('b'))).toBe(false);
  });

  it('takes away what one that was cut off left there', () => {
    there('a', 'old\n');
    step(write('a', 'new\n', old('old\n')));
    there('.harden.aB3dE6', 'half');
    expect(restore(dir)).toBe('0');
    expect(readdirSync(dir)).toEqual(['a']);
  });

  it('says where there was nothing to put back', () => expect(restore(dir)).toBe('1'));

  it('names what could not be put back', () => {
    there('a', 'old\n');
    step(write('a', 'new\n', old('old\n')));
    rmSync(join(run, 'before/1'));
    expect(restore(dir)).toContain(`2 ${at('a')}`);
    expect(readdirSync(dir)).toEqual(['a']);
  });
});
