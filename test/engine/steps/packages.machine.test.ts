import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stepLibrary } from '../../../src/engine/steps/library.ts';
import { installPackages } from '../../../src/engine/steps/packages.ts';
import { Commands } from '../../tasks/iptables/commands.ts';

let commands: Commands;
beforeEach(() => {
  commands = new Commands();
  commands.set('sleep', ':');
  commands.set('dpkg', ':');
  commands.set('dpkg-query', ':');
  commands.set('apt-cache', ':');
});
afterEach(() => commands.remove());

const install = () =>
  commands.run(
    `RUN=$D\n${stepLibrary.text}\n( set -e; ${installPackages({ kind: 'install-packages', names: ['a', 'b'] }).text}\n)`,
  );
/** What apt-get was told to do, without its options. */
const told = () =>
  commands
    .read('log')
    .split('\n')
    .filter((line) => line.startsWith('apt-get'))
    .map((line) => /(update|install --no-remove .*)$/.exec(line)?.[1]);
/** The times that apt-get was run before. */
const RUNS = '$(grep -c "apt-get.*$what" "$D/log")';
const apt = (update: string, installing = ':') =>
  commands.set(
    'apt-get',
    `case "$*" in *update) what=update; ${update} ;; *) what=install; ${installing} ;; esac`,
  );
const HELD = 'echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7" >&2; exit 100';

describe('installing packages', () => {
  it('fetches no lists where the packages are known', () => {
    apt('exit 9');
    expect(install().status).toBe(0);
    expect(told()).toEqual(['install --no-remove -- a b']);
  });

  it('fetches the lists where they are not', () => {
    commands.set('apt-cache', 'exit 100');
    apt(':');
    expect(install().status).toBe(0);
    expect(told()).toEqual(['update', 'install --no-remove -- a b']);
  });

  it('fetches the lists where the ones at hand are too old', () => {
    apt(':', `[ ${RUNS} -ge 2 ] || exit 100`);
    expect(install().status).toBe(0);
    expect(told()).toEqual(['install --no-remove -- a b', 'update', 'install --no-remove -- a b']);
  });

  it('waits for the lock of the lists, which apt itself does not', () => {
    commands.set('apt-cache', 'exit 100');
    apt(`[ ${RUNS} -ge 3 ] || { ${HELD}; }`);
    expect(install().status).toBe(0);
    expect(told()).toEqual(['update', 'update', 'update', 'install --no-remove -- a b']);
  });

  it.each([
    ['whose lists cannot be fetched', 'echo "E: no mirror" >&2; exit 100', 'no mirror'],
    // the clock jumps past the deadline
    ['whose lists stay locked', HELD, 'Could not get lock'],
  ])('says so of one %s', (_, update, said) => {
    commands.set('apt-cache', 'exit 100');
    commands.set('date', 'echo $(( $(grep -c ^date "$D/log") * 200 ))');
    apt(update);
    const { status, stderr } = install();
    expect(status).not.toBe(0);
    expect(stderr).toContain(said);
    expect(told()).not.toContain('install --no-remove -- a b');
  });

  it('fetches the lists no more than once', () => {
    commands.set('apt-cache', 'exit 100');
    apt(':', 'echo "E: Unable to locate package a" >&2; exit 100');
    expect(install().stderr).toContain('E: Unable to locate package a');
    expect(told()).toEqual(['update', 'install --no-remove -- a b']);
  });

  it('says why it knows no package where no list could be fetched, which apt calls a success', () => {
    apt('echo "W: Failed to fetch http://x"', 'echo "E: Unable to locate package a"; exit 100');
    expect(install().stderr).toBe('E: Unable to locate package a\nW: Failed to fetch http://x\n');
  });

  it('says what dpkg could not do, and nothing that new lists have mended', () => {
    apt(
      ':',
      `[ ${RUNS} -ge 2 ] || { echo "E: Unable to locate package a"; exit 100; }
       printf 'dpkg: error processing archive a.deb (--unpack):\\r\\n unable to create a: Read-only file system\\r\\nE: dpkg returned an error\\n'; exit 100`,
    );
    expect(install().stderr).toBe(
      'dpkg: error processing archive a.deb (--unpack):\n unable to create a: Read-only file system\nE: dpkg returned an error\n',
    );
  });

  it.each([
    ['installed ', 'a is installed; b is not installed; x is half-configured'],
    // one of its own
    ['half-configured ', 'b is not installed; x is half-configured'],
  ])('says which packages are there all the same, and which is not whole, where a is %s', (status, state) => {
    commands.set(
      'dpkg-query',
      `case "$*" in *' a') printf '${status}' ;; *' b') exit 1 ;; *'{binary:Package} \${db:Status-Status}'*) echo 'x half-configured' ;; esac`,
    );
    apt(':', 'echo "E: no"; exit 100');
    expect(install().stderr).toBe(`${state}: dpkg --configure -a on the host shows why. apt said: E: no\n`);
  });

  it('lets an interrupted dpkg finish first, and apt fetch what that waits for', () => {
    commands.set('dpkg', 'case "$*" in --audit) echo broken ;; esac');
    apt(':');
    expect(install().status).toBe(0);
    expect(commands.read('log')).toContain('dpkg --force-confdef --force-confold --configure -a');
    expect(told()).toEqual(['install --no-remove --fix-broken', 'install --no-remove -- a b']);
  });

  it('unpacks anew what was cut off while it was unpacked', () => {
    commands.set(
      'dpkg-query',
      `case "$*" in *Abbrev*) printf '%s\n' 'x iUR' 'y ii ' 'z:amd64 iH ' 'v iU ' 'w rc ' 'R ii ' ;; esac`,
    );
    apt(':');
    expect(install().status).toBe(0);
    expect(told()).toEqual(['install --no-remove --reinstall -- x z:amd64', 'install --no-remove -- a b']);
  });
});
