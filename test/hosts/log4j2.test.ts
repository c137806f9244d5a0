import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtures } from '../repository.ts';
import { compileAttack } from '../tasks/log4j2/attack.ts';
import { showsBan } from './attack.ts';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

const CONFIGURATION = '/opt/james/conf/log4j2.xml';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
  const folder = mkdtempSync(join(tmpdir(), 'harden-attack-'));
  try {
    compileAttack(folder);
    const classes = execFileSync('tar', ['-cz', '-C', folder, '.']).toString('base64');
    await host.must(
      `mkdir /opt/attack; echo ${classes} | base64 -d | tar -xz -C /opt/attack; chmod -R a+rX /opt/attack`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  await host.must(`cp -p ${CONFIGURATION} /root/before.xml
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q -y install --no-install-recommends default-jre-headless liblog4j2-java`);
});
afterAll(() => host?.stop());

/** James's log4j2 under attack, as James would run: its own user, its own folder. */
const attack = () =>
  host.must(`cd /opt/james/bin 2>/dev/null || cd /opt/james
    runuser -u james -- java -Dlog4j2.configurationFile=${CONFIGURATION} \
      -cp /opt/attack:/usr/share/java/log4j-api.jar:/usr/share/java/log4j-core.jar Attack`);

describe('log4j2.xml of James', () => {
  it('is the one that James ships', async () => {
    const shipped = readFileSync(join(fixtures, 'log4j2/james-3.8.0.xml'));
    expect(await host.must('sha256sum </root/before.xml')).toContain(
      createHash('sha256').update(shipped).digest('hex'),
    );
  });

  it('differs from the one before in the intended lines only', async () => {
    const applied = await record('apply', host.inventory());
    expect(applied.exitCode, applied.text).toBe(0);
    const { stdout } = await host.exec(`diff /root/before.xml ${CONFIGURATION}`);
    const lines = (sign: string) => stdout.split('\n').filter((line) => line.startsWith(sign));
    // what goes is the old name of the appender and its file; what comes names them anew, or is ours
    for (const line of lines('<'))
      expect(line).toMatch(/james\.log|james\.%d|"James"|<Logger name="org\.apache\.james\.protocols"/);
    expect(lines('<').length).toBeLessThan(8);
    expect(lines('>').length).toBeLessThan(30);
    const [before, after] = (await host.must(`stat -c '%U:%G %a' /root/before.xml ${CONFIGURATION}`)).split(
      '\n',
    );
    expect(after).toBe(before);
  });

  it('makes a real log4j2 write lines that the filter matches, and that get the attacker banned', async () => {
    await attack();
    const found = await host.must(
      'fail2ban-regex --out ip /opt/james/log/james.log /etc/fail2ban/filter.d/james.conf',
    );
    expect(found.split('\n')).toEqual(['192.0.2.10', '192.0.2.11']);
    await attack();
    expect(await showsBan(host, 'james', '192.0.2.10')).toBe(true);
    expect(await showsBan(host, 'james', '192.0.2.11')).toBe(true);
    // what the client wrote into its own name
    expect(await host.must('iptables-save')).not.toContain('203.0.113.9');
    const after = await record('check', host.inventory());
    expect(after.exitCode, after.text).toBe(0);
  });
});
