import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Inquiry, observation } from '../../src/engine/observe.ts';
import { fileProbe } from '../../src/probes/file.ts';
import { ask } from '../../src/probes/probe.ts';
import { frames, script } from '../../src/shell/frame.ts';

/** The probe's real script under a real shell: what it prints and what is read from it are tested as one. */
function look(...questions: Parameters<typeof fileProbe.script>[0]) {
  const inquiry = new Inquiry(questions.map((question) => ask(fileProbe, question)));
  const { stdout } = spawnSync('dash', ['-s'], { input: script(observation(inquiry, 'ab')) });
  const seen = inquiry.read(frames(stdout, 'ab'))!;
  return questions.map((question) => seen.get(ask(fileProbe, question)));
}

const SHA_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "odd 'name $(x) "));
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'abc'), 'abc');
  chmodSync(join(folder, 'abc'), 0o640);
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, '-n'), Buffer.from([0, 255, 10]));
  writeFileSync(join(folder, 'big'), 'x'.repeat(2_000_000));
  symlinkSync(join(folder, 'abc'), join(folder, 'link'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('file probe', () => {
  it('sees attributes, digest and content', () => {
    const [seen] = look({ path: join(folder, 'abc'), content: 'always' });
    expect(seen).toMatchObject({
      state: 'present',
      value: { kind: 'file', mode: '0640', size: 3, sha256: SHA_OF_ABC, content: Buffer.from('abc') },
    });
  });

  it('tells of names that the answer itself could be mistaken for', () => {
    for (const name of ['a|b', 'two\nlines']) writeFileSync(join(folder, name), 'abc');
    const [bar, line] = look(
      { path: join(folder, 'a|b'), content: 'always' },
      { path: join(folder, 'two\nlines'), content: 'always' },
    );
    expect(bar).toMatchObject({ value: { realPath: join(folder, 'a|b'), content: Buffer.from('abc') } });
    expect(line).toEqual({ state: 'unreadable', why: 'its name, links resolved, has a line break' });
  });

  it('counts the other names of a file', () => {
    linkSync(join(folder, 'empty'), join(folder, 'second'));
    const [one, two, whole] = look(
      { path: join(folder, 'abc'), content: 'never' },
      { path: join(folder, 'second'), content: 'never' },
      { path: folder, content: 'never' },
    );
    expect(one).not.toHaveProperty('value.otherNames');
    expect(two).toHaveProperty('value.otherNames', 1);
    // a directory has a name in each below it
    expect(whole).not.toHaveProperty('value.otherNames');
  });

  it('lets content travel only where it is needed', () => {
    const path = join(folder, 'abc');
    const contents = (['never', { unless: SHA_OF_ABC }, { unless: 'other' }] as const).map((content) => {
      const [seen] = look({ path, content });
      return seen?.state === 'present' ? seen.value.content?.toString() : seen;
    });
    expect(contents).toEqual([undefined, undefined, 'abc']);
  });

  it('answers two questions about one file with all that either asked for', () => {
    const path = join(folder, 'abc');
    const [first] = look({ path, content: 'never' }, { path, content: 'always' });
    expect(first).toMatchObject({ value: { content: Buffer.from('abc') } });
  });

  it.each([
    ['empty', 'empty', { value: { size: 0, content: Buffer.alloc(0) } }],
    ['binary, with a name like a flag', '-n', { value: { content: Buffer.from([0, 255, 10]) } }],
    ['a directory', 'sub', { value: { kind: 'directory' } }],
    ['missing', 'none', { state: 'absent' }],
    ['in a missing directory', 'none/none', { state: 'absent' }],
    ['in what is a file', 'abc/x', { state: 'absent' }],
    [
      'a link to nowhere',
      'dangling',
      { state: 'unreadable', why: 'it is a symbolic link whose target does not exist' },
    ],
  ])('%s', (_, name, expected) => {
    expect(look({ path: join(folder, name), content: 'always' })[0]).toMatchObject(expected);
  });

  it.runIf(process.getuid?.() === 0)('knows an owner without a name by number', () => {
    const path = join(folder, 'unowned');
    writeFileSync(path, '');
    chownSync(path, 54321, 54322);
    expect(look({ path, content: 'never' })[0]).toMatchObject({ value: { owner: '54321', group: '54322' } });
    expect(look({ path: folder, content: 'never' })[0]).toMatchObject({
      value: { owner: 'root', group: 'root' },
    });
  });

  it('follows a link and says where it leads', () => {
    const [seen] = look({ path: join(folder, 'link'), content: 'never' });
    expect(seen).toMatchObject({ value: { realPath: join(folder, 'abc') } });
  });

  it('says where any way leads', () => {
    symlinkSync('sub', join(folder, 'way'));
    symlinkSync('../way/../link', join(folder, 'sub', 'back'));
    mkdirSync(join(folder, 'sub', 'deep'));
    for (const name of ['way', 'way/deep', 'way/deep/../back', './/sub/../abc', 'sub/back', 'a\\b', 'sub/']) {
      if (name === 'a\\b') writeFileSync(join(folder, name), '');
      const path = `${folder}/${name}`;
      expect(look({ path, content: 'never' })[0], name).toMatchObject({
        value: { realPath: realpathSync(path) },
      });
    }
    expect(look({ path: '/', content: 'never' })[0]).toMatchObject({ value: { realPath: '/' } });
  });

  it('leaves out content that is too large, never its digest', () => {
    const [seen] = look({ path: join(folder, 'big'), content: 'always' });
    expect(seen).toMatchObject({
      value: { size: 2_000_000, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(seen).not.toHaveProperty('value.content');
  });
});
