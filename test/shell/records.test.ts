import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { retire, retireOld } from '../../src/engine/retire.ts';
import { records } from '../../src/shell/records.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'records-'));
});
afterEach(() => rmSync(state, { recursive: true }));

/** A run that noted these files, with what lies in `before` and `after`; the later, the newer. */
function run(id: number, notes: { [name: string]: string }): string {
  const folder = join(state, 'runs', `r${id}`);
  mkdirSync(join(folder, 'before'), { recursive: true });
  mkdirSync(join(folder, 'after'));
  for (const [name, text] of Object.entries({ 'job.sh': '', journal: '', ...notes })) {
    writeFileSync(join(folder, name), text);
  }
  utimesSync(join(folder, 'job.sh'), id * 1000, id * 1000);
  return folder;
}

function sh(code: string): string[] {
  const { stdout, stderr, status } = spawnSync('sh', ['-s'], {
    input: `set -e\n${code}`,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString().split('\n').filter(Boolean).sort();
}
const told = (what: 'origins' | 'unit_origins' | 'package_origins' | 'sensitive_paths') =>
  sh(`${records(state).text}\n${what}`);
const forget = (folder: string) => sh(`${retire(state).text}\nretire ${folder}`);

describe('what runs noted of secrets', () => {
  const plan = (sensitive: string[], reason = '') => ({
    'plan.json': JSON.stringify({ tasks: [{ reason }], sensitive, commands: [] }),
  });

  it('is every list of paths, and no text that looks like one', () => {
    expect(told('sensitive_paths')).toEqual([]);
    run(1, plan(['/etc/a ]', '/etc/"b\\', '/é']));
    run(2, plan([], '"sensitive":["/etc/c"]'));
    expect(told('sensitive_paths')).toEqual(['"sensitive":["/etc/a ]","/etc/\\"b\\\\","/é"]']);
  });

  it('outlives its run', () => {
    forget(run(1, plan(['/etc/a'])));
    forget(run(2, plan(['/etc/b'])));
    expect(told('sensitive_paths')).toEqual(['"sensitive":["/etc/a"]', '"sensitive":["/etc/b"]']);
  });
});

describe('what runs noted of the time before harden', () => {
  it('is nothing on a fresh host', () => {
    expect(told('origins')).toEqual([]);
    expect(told('unit_origins')).toEqual([]);
    expect(told('package_origins')).toEqual([]);
  });

  it('is what stood there before the first run, and what the last one wrote', () => {
    const first = run(1, { files: '1 file /etc/a b\n2 absent /etc/c\n' });
    const second = run(2, { files: '1 file /etc/a b\n', units: 'x.service disabled inactive\n' });
    expect(told('origins')).toEqual([
      `${first}/before/1 file ${second}/after/1 /etc/a b`,
      `${first}/before/2 absent ${first}/after/2 /etc/c`,
    ]);
    run(3, { units: 'x.service enabled active\n' });
    expect(told('unit_origins')).toEqual(['x.service disabled inactive']);
  });

  it('is in the order of the runs also where the clock was put back between them', () => {
    const ahead = run(900, { files: '1 file /etc/a\n' });
    const later = run(1, { files: '1 file /etc/a\n' });
    const last = run(2, { files: '1 file /etc/a\n' });
    sh(`${records(state).text}\nnewest ${later}\nnewest ${last}\nnewest ${last}`);
    expect(told('origins')).toEqual([`${ahead}/before/1 file ${last}/after/1 /etc/a`]);
  });

  it('counts neither what a run undid itself nor what was given back', () => {
    run(1, { files: '1 absent /etc/a\n2 absent /etc/b\n', units: 'x.service disabled inactive\n' });
    run(2, { files: '1 undone /etc/c\n2 forgotten /etc/b\n', units: 'x.service forgotten\n' });
    expect(told('origins').map((line) => line.split(' ').at(-1))).toEqual(['/etc/a']);
    expect(told('unit_origins')).toEqual([]);
  });

  it('keeps content that was noted after mere attributes', () => {
    run(1, { files: '1 attributes=644,root/0,root/0 /etc/a\n' });
    const second = run(2, { files: '7 file /etc/a\n' });
    expect(told('origins')).toEqual([`${second}/before/7 file ${second}/after/7 /etc/a`]);
  });

  it('knows which packages it installed, and has not removed since', () => {
    run(1, { packages: 'installed a\ninstalled b\n' });
    run(2, { packages: 'removed a\ninstalled c\n' });
    expect(told('package_origins')).toEqual(['b', 'c']);
  });

  it('knows them of the first release, too, unless its installation failed', () => {
    const job = "apt install -- 'fail2ban' 'x' || { update && apt install -- 'fail2ban' 'x'; }\n";
    run(1, { 'job.sh': job });
    expect(told('package_origins')).toEqual(['fail2ban', 'x']);
    rmSync(join(state, 'runs'), { recursive: true });
    run(1, { 'job.sh': job, journal: '@@ab12 step 3 100 aGk=\n' });
    expect(told('package_origins')).toEqual([]);
  });

  it('outlives the run that noted it', () => {
    const first = run(1, {
      files: '1 file /etc/a b\n2 absent /etc/c\n',
      'before/1': 'old',
      'after/1': 'written',
      units: 'x.service disabled inactive\n',
      packages: 'installed p\n',
    });
    cpSync(first, join(state, 'copy'), { recursive: true });
    forget(first);
    const store = join(state, 'origins');
    const [file = ''] = told('origins');
    expect(file).toMatch(/before\/r1\.1 file .*after\/r1\.1 \/etc\/a b$/);
    expect(readFileSync(join(store, 'before/r1.1'), 'utf8')).toBe('old');
    expect(readFileSync(join(store, 'after/r1.1'), 'utf8')).toBe('written');
    expect(told('unit_origins')).toEqual(['x.service disabled inactive']);
    expect(told('package_origins')).toEqual(['p']);

    // a later run that gave it back, and is forgotten as well
    const second = run(2, {
      files: '1 forgotten /etc/a b\n',
      units: 'x.service forgotten\n',
      packages: 'removed p\n',
    });
    forget(second);
    expect(told('origins').map((line) => line.split(' ').at(-1))).toEqual(['/etc/c']);
    expect(told('unit_origins')).toEqual([]);
    expect(told('package_origins')).toEqual([]);
  });
});

const TINY_DISK = 'mount -t tmpfs -o size=256k,nr_inodes=200 tmpfs "$0"';

it.runIf(spawnSync('unshare', ['-m', 'sh', '-c', TINY_DISK, tmpdir()]).status === 0)(
  'a run is not forgotten while the disk is too full to keep what it alone knows',
  () => {
    const folder = join(state, 'runs', 'r1');
    const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-s'], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      input: `mount -t tmpfs -o size=256k,nr_inodes=200 tmpfs ${state}
mkdir -p ${folder}/before ${folder}/after ${state}/origins/before ${state}/origins/after
echo kept > ${state}/origins/before/k1; echo 'k1 file /etc/old' > ${state}/origins/files
echo 'old.service enabled active' > ${state}/origins/units
: > ${folder}/job.sh; echo original > ${folder}/before/1; echo '1 file /etc/new' > ${folder}/files
echo 'new.service disabled inactive' > ${folder}/units; echo 'installed some' > ${folder}/packages
${retire(state).text}
${records(state).text}
all() { origins | while read -r before what _ path; do echo "$what $path $(cat "$before")"; done; unit_origins; package_origins; }
all | sort > /dev/shm/before.$$
head -c 1M /dev/zero > ${state}/filler 2>/dev/null
retire ${folder} && echo 'went although nothing could be written'
[ -e ${folder}/before/1 ] || echo 'the run is gone'
all | sort | diff /dev/shm/before.$$ - && echo 'nothing lost'
rm ${state}/filler
retire ${folder} || echo 'is never forgotten'
[ ! -e ${folder} ] && all | sort | diff /dev/shm/before.$$ - && echo 'nothing lost later'
rm -f /dev/shm/before.$$`,
    });
    expect(stdout, stderr).toBe('nothing lost\nnothing lost later\n');
  },
);

describe('old runs', () => {
  const id = (number: number) => number.toString(16).padStart(24, '0');
  /** A run of two waves, so many days old. */
  const runOf = (number: number, days: number) => {
    const at = Date.now() / 1000 - days * 86_400;
    return ['00', '01'].map((wave, index) => {
      const folder = join(state, 'runs', `${id(number)}${wave}`);
      mkdirSync(join(folder, 'before'), { recursive: true });
      mkdirSync(join(folder, 'after'));
      writeFileSync(join(folder, 'job.sh'), '');
      for (const path of [join(folder, 'job.sh'), folder]) utimesSync(path, at + index, at + index);
      return folder;
    });
  };
  const left = (spared: number) => {
    sh(`${retire(state).text}\n${retireOld(id(spared), state).text}`);
    return (folders: readonly string[]) => folders.filter((folder) => existsSync(folder)).length;
  };

  it('are forgotten after ten, with all their waves', () => {
    const runs = Array.from({ length: 13 }, (_, index) => runOf(index, 13 - index));
    const count = left(12);
    // the one at work, nine older ones
    expect(runs.map(count)).toEqual([0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
  });

  it('are forgotten after thirty days', () => {
    const runs = [runOf(1, 40), runOf(2, 20), runOf(3, 0)];
    expect(runs.map(left(3))).toEqual([0, 2, 2]);
  });

  it('do not bring up again what a later one of them gave back', () => {
    const [first, second] = [runOf(1, 50), runOf(2, 40)];
    writeFileSync(join(first[0]!, 'files'), '1 absent /etc/a\n');
    writeFileSync(join(second[0]!, 'files'), '1 forgotten /etc/a\n');
    runOf(3, 0);
    left(3);
    expect(told('origins')).toEqual([]);
  });
});
