import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { ownFolders } from '../../src/shell/own-folders.ts';
import { STATE } from '../../src/shell/records.ts';

// whose a folder is only root can change
const asRoot = it.skipIf(process.getuid?.() !== 0);
const NOBODY = 65534;

let base: string;
let state: string;
let runs: string;
beforeEach(() => {
  // not below /tmp, whose name a macOS or a private mount may have led elsewhere
  base = mkdtempSync('/var/tmp/harden-own-');
  state = join(base, 'harden');
  runs = join(state, 'runs');
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  return () => rmSync(base, { recursive: true });
});

function run(code: string): string {
  const script = `${ownFolders.text}\n${code}`.replaceAll(STATE, state);
  const { stdout, stderr } = spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}
const notOurs = () => run('not_ours');

asRoot.each<[string, () => void, RegExp]>([
  ["are root's", () => {}, /^$/],
  ['are not there', () => rmSync(state, { recursive: true }), /^$/],
  ['hold what a run left', () => mkdirSync(join(runs, '0a00')), /^$/],
  [
    'are reached by a link of root',
    () => {
      rmSync(state, { recursive: true });
      mkdirSync(join(base, 'elsewhere'));
      symlinkSync(join(base, 'elsewhere'), state);
    },
    /^$/,
  ],
  ["are somebody's", () => chownSync(state, NOBODY, 0), /harden belongs to nobody, and whoever/],
  ["are somebody's, the inner one", () => chownSync(runs, NOBODY, 0), /harden\/runs belongs to nobody,/],
  [
    "hold somebody's run",
    () => {
      mkdirSync(join(runs, '0a'));
      chownSync(join(runs, '0a'), NOBODY, 0);
    },
    /runs\/0a belongs to nobody/,
  ],
  [
    "hold somebody's link",
    () => {
      symlinkSync('/tmp', join(runs, 'current'));
      lchownSync(join(runs, 'current'), NOBODY, 0);
    },
    /runs\/current belongs to nobody/,
  ],
  [
    "are reached by somebody's link",
    () => {
      rmSync(state, { recursive: true });
      mkdirSync(join(base, 'elsewhere'));
      symlinkSync(join(base, 'elsewhere'), state);
      lchownSync(state, NOBODY, 0);
    },
    /a link on the way to .*harden belongs to nobody/,
  ],
  ["stand in what is somebody else's", () => chownSync(base, NOBODY, 0), /harden-own-\w+ belongs to nobody/],
  [
    'are a file',
    () => {
      rmSync(state, { recursive: true });
      writeFileSync(state, '');
    },
    /harden is no folder/,
  ],
  [
    'are a link to nowhere',
    () => {
      rmSync(state, { recursive: true });
      symlinkSync('/nonexistent', state);
    },
    /harden is no folder/,
  ],
  [
    'stand in what anybody may write to',
    () => chmodSync(base, 0o777),
    /others may write to .*harden-own-\w+, and/,
  ],
  [
    'would be made in what anybody may write to',
    () => {
      rmSync(state, { recursive: true });
      chmodSync(base, 0o777);
    },
    /others may write to .*harden-own-\w+, and/,
  ],
  [
    'stand in what a group may write to',
    () => {
      chownSync(base, 0, NOBODY);
      chmodSync(base, 0o775);
    },
    /others may write to .*harden-own-\w+, and/,
  ],
  ["stand in what root's group may write to", () => chmodSync(base, 0o775), /^$/],
  ['stand in one like /tmp', () => chmodSync(base, 0o1777), /^$/],
  [
    'are a link into what anybody may write to',
    () => {
      rmSync(state, { recursive: true });
      mkdirSync(join(base, 'open'));
      chmodSync(join(base, 'open'), 0o777);
      mkdirSync(join(base, 'open/harden'));
      symlinkSync(join(base, 'open/harden'), state);
    },
    /others may write to .*open, and/,
  ],
  [
    'are a link in what anybody may write to',
    () => {
      rmSync(state, { recursive: true });
      symlinkSync('/srv', state);
      chmodSync(base, 0o777);
    },
    /others may write to .*harden-own-\w+, and/,
  ],
  ['are one like /tmp', () => chmodSync(runs, 0o1777), /anybody may write to .*runs/],
])('the folders of the runs %s', (_, alter, says) => {
  alter();
  expect(notOurs()).toMatch(says);
});

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

asRoot("root's own that others may write to is closed, and nothing else is touched", () => {
  chmodSync(state, 0o777);
  chmodSync(runs, 0o770);
  expect(notOurs()).toBe('');
  run('close_folders');
  expect([mode(state), mode(runs)]).toEqual(['700', '700']);
  // what others may only read stays as it was made
  chmodSync(state, 0o755);
  // somebody chose where this one leads
  const victim = join(base, 'victim');
  mkdirSync(victim);
  chmodSync(victim, 0o777);
  rmSync(runs, { recursive: true });
  symlinkSync(victim, runs);
  lchownSync(runs, NOBODY, 0);
  run('close_folders');
  expect([mode(state), mode(victim)]).toEqual(['755', '777']);
});
