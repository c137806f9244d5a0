import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { jamesProbe } from '../../src/probes/james.ts';

const root = mkdtempSync(join(tmpdir(), 'harden-james-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
function home(...files: string[]): string {
  const path = join(root, `it's home ${++count}`);
  mkdirSync(path);
  for (const file of files) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), '');
  }
  return path;
}
const look = (...homes: string[]) => {
  const answers = jamesProbe.parse(execFileSync('sh', ['-c', jamesProbe.script(homes).text]), homes);
  return homes.map((one) => answers.get(one));
};
const version = (value: string | undefined) => ({ state: 'present', value: { version: value } });

describe('the version of James', () => {
  it.each<[string, string[], string | undefined]>([
    ['of the Spring edition', ['lib/james-server-core-3.8.1.jar'], '3.8.1'],
    ['of a Guice edition', ['james-server-jpa-app.lib/james-server-guice-common-3.9.0.jar'], '3.9.0'],
    [
      'of the development branch',
      ['lib/james-server-core-3.10.0-SNAPSHOT.jar', 'lib/james-server-core-3.10.0-SNAPSHOT-tests.jar'],
      '3.10.0-SNAPSHOT',
    ],
    [
      'of names with numbers',
      ['lib/james-server-spf4j-2-3.7.5.jar', 'lib/james-server-core-3.7.5.jar'],
      '3.7.5',
    ],
    ['that contradicts itself', ['lib/james-server-a-3.8.1.jar', 'lib/james-server-b-3.8.2.jar'], undefined],
    ['without jars', [], undefined],
    ['of other jars', ['lib/log4j-core-2.19.0.jar'], undefined],
  ])('%s', (_, files, expected) => expect(look(home(...files))).toEqual([version(expected)]));

  it('is asked of several homes at once; one is missing, one is a file', () => {
    const file = join(home('x'), 'x');
    expect(look(home('lib/james-server-core-3.8.1.jar'), join(root, 'none'), file)).toEqual([
      version('3.8.1'),
      { state: 'absent' },
      { state: 'absent' },
    ]);
  });
});
