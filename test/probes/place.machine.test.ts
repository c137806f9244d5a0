import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { placeProbe } from '../../src/probes/place.ts';

const folder = mkdtempSync(join(tmpdir(), "held it's 7"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** The probe's real script where mounts can be made that only it sees, and files immutable. */
const asked = (names: readonly string[], prepare: string, after = ':') =>
  placeProbe.parse(
    execFileSync('unshare', ['-m', 'dash', '-c', `set -e; cd "$0"; ${prepare}; dash -s; ${after}`, folder], {
      input: placeProbe.script(names.map(at)).text,
    }),
    names.map(at),
  );
const able = (code: string) => spawnSync('unshare', ['-m', 'dash', '-c', code, folder]).status === 0;

describe.runIf(able('mkdir "$0/try" && mount --bind "$0/try" "$0/try"'))('a path', () => {
  it.each([
    ['of a file that is a mount', 'touch kept x; mount --bind kept x', 'x', 'mount'],
    ['of a folder that is a mount', 'mkdir -p m; mount -t tmpfs none m', 'm', 'mount'],
    ['in a folder that is a mount', 'mkdir -p m; mount -t tmpfs none m; touch m/x', 'm/x', undefined],
    [
      'on a read-only file system',
      'mkdir -p r; mount -t tmpfs none r; touch r/x; mount -o remount,ro r',
      'r/x',
      'itself',
    ],
    ['of nothing on a read-only file system', 'mkdir -p r; mount -t tmpfs -o ro none r', 'r/y', 'folder'],
    ['in no folder', ':', 'none/x', undefined],
    ['of nothing', ':', 'none', undefined],
    ['that anybody may read only', 'touch a; chmod 444 a', 'a', undefined],
  ])('%s', (_, prepare, name, held) => {
    expect(asked([name], prepare).get(at(name))).toEqual({
      state: 'present',
      value: { realPath: at(name), ...(held && { held }) },
    });
  });

  it('through a link to a name with a line break is not told: it could pass for another', () => {
    expect(() => asked(['x', 'odd'], "ln -sfn 'y\n' odd")).toThrow('a line break');
  });

  it('through a link, and what it leads to', () => {
    const seen = asked(['link', 'there'], 'touch kept there; ln -sfn there link; mount --bind kept there');
    const value = { realPath: at('there'), held: 'mount' };
    expect([...seen.values()]).toEqual([
      { state: 'present', value },
      { state: 'present', value },
    ]);
  });

  it.runIf(able('touch "$0/i" && chattr +i "$0/i" && chattr -i "$0/i"'))(
    'that is immutable, or whose folder is',
    () => {
      const prepare = 'touch file; mkdir -p folder; touch folder/x; chattr +i file folder';
      const seen = asked(['file', 'folder/x'], prepare, 'chattr -i file folder');
      expect([...seen.values()]).toMatchObject([
        { value: { held: 'itself' } },
        { value: { held: 'folder' } },
      ]);
    },
  );

  it.runIf(able('touch "$0/a" && chattr +a "$0/a" && chattr -a "$0/a"'))(
    'that can only be appended to, or whose folder can',
    () => {
      const prepare =
        "touch only 'only more'; mkdir -p 'grows /etc'; touch 'grows /etc/x'; chattr +a only 'grows /etc'";
      const seen = asked(
        ['only', 'only more', 'grows /etc/x', 'grows /etc/new', 'grows /etc'],
        prepare,
        "chattr -a only 'grows /etc'",
      );
      expect([...seen.values()].map((one) => one.state === 'present' && one.value.held)).toEqual([
        'itself',
        undefined,
        'folder',
        'folder',
        'itself',
      ]);
    },
  );

  it('of somebody who is not root is not judged: other limits are his', () => {
    const input = placeProbe.script(['/etc/passwd']).text;
    const output = execFileSync('setpriv', ['--reuid=65534', '--clear-groups', 'dash', '-s'], { input });
    expect(output.toString()).toBe('- /etc/passwd\n');
  });
});
