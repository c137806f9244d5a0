import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patchLog4j2 } from '../../src/tasks/log4j2/patch.ts';
import { fixtures, repository } from '../repository.ts';
import { showsBan } from './attack.ts';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

const CONFIGURATION = '/opt/james/conf/log4j2.xml';

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ kind: 'log4j2' });
  await host.must(`cp -p ${CONFIGURATION} /root/before.xml`);
});
afterAll(() => host?.stop());

const CLASSPATH = '/opt/attack:/usr/share/java/log4j-api.jar:/usr/share/java/log4j-core.jar';

/** James's log4j2 under attack, as James would run: its own user, its own folder. */
const attack = () =>
  host.must(`cd /opt/james/bin 2>/dev/null || cd /opt/james
    runuser -u james -- java -Dlog4j2.configurationFile=${CONFIGURATION} \
      -cp ${CLASSPATH} Attack`);

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

const STAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} - /gm;
const HANDLER = 'org.apache.james.protocols.smtp.core';
const EVENTS = [
  `${HANDLER}.fastfail.AbstractValidRcptHandler [ip=192.0.2.10] - Rejected message. Unknown user: nobody@example.org`,
  'org.apache.james.util.AuditTrail$Entry [ip=192.0.2.10] - SMTP Authentication failed.',
  `${HANDLER}.esmtp.AuthCmdHandler [ip=192.0.2.10] - Could not decode parameters for AUTH PLAIN`,
  `${HANDLER}.esmtp.AuthCmdHandler [ip=] - AUTH method LOGIN failed from Username{localPart=a\\r\\nforged, domainPart=Optional.empty}@192.0.2.11`,
];

const own = (name: string): Buffer => readFileSync(join(repository, 'test/tasks/log4j2', name));
const BARE = '<Configuration><Appenders/><Loggers/></Configuration>';
const LATE_LEVEL = `<Configuration monitorInterval="30"><Appenders><File name="James" fileName="\${sys:app.home}/log/james.log"/></Appenders>
<Loggers><Logger name="org.apache.james.protocols.smtp"><AppenderRef ref="James"/></Logger>
<Logger name="org.apache.james.protocols.smtp.core" additivity="false" level="error"><AppenderRef ref="James"/></Logger>
<Root level="warn"><AppenderRef ref="James"/></Root></Loggers></Configuration>`;

/** Runs the attack under a patched configuration; what log4j2 said of itself, and the files it wrote. */
async function attackUnder(source: Buffer) {
  const base = '/root/patched';
  const patch = patchLog4j2(source, { log: `${base}/log/james.log`, size: '10 MB', keep: 9 });
  if (patch.state !== 'patched') throw new Error(`The configuration is ${patch.state}: ${patch.reason}.`);
  const said = await host.must(`rm -rf ${base}; mkdir ${base}
    echo ${patch.content.toString('base64')} | base64 -d >${base}/log4j2.xml
    java -Dlog4j2.configurationFile=${base}/log4j2.xml -Dapp.home=${base} -cp ${CLASSPATH} Attack 2>&1`);
  const read = (name: string) => host.must(`cat ${base}/log/${name} 2>/dev/null || :`);
  return {
    status: said
      .split('\n')
      .filter((line) => / main (WARN|ERROR|FATAL) /.test(line))
      .join('\n'),
    log: await read('james.log'),
    server: await read('james-server.log'),
    transport: await read('james_transport-protocols.log'),
  };
}

/** The real log4j2 2.x reads what the patch wrote. */
describe('a patched configuration under the real log4j2', () => {
  const cases: [string, Buffer][] = [
    ['like the shipped one', own('shipped-like.xml')],
    ['of the guide', own('guide.xml')],
    ['in strict style', own('strict.xml')],
    ['with nothing in it', Buffer.from(BARE)],
    ['with loggers that drop what matters', Buffer.from(LATE_LEVEL)],
    ['as shipped', readFileSync(join(fixtures, 'log4j2/james-3.8.0.xml'))],
  ];

  it.each(cases)('%s: one line an event, nothing else, no complaint', async (_name, source) => {
    const { status, log } = await attackUnder(source);
    expect(status).toBe('');
    expect(log.match(STAMP)).toHaveLength(EVENTS.length);
    expect(log.replace(STAMP, '').split('\n')).toEqual(EVENTS);
  });

  it('other events go where they went: james-server.log and the protocols file', async () => {
    const { server, transport } = await attackUnder(own('shipped-like.xml'));
    expect(server).toContain('forged by another logger');
    expect(server).toContain('forged by a stranger');
    expect(server).toContain('SMTP Authentication failed.');
    expect(transport).toContain('Rejected message. Unknown user: nobody@example.org');
    expect(transport).toContain('AUTH method LOGIN failed');
  });
});
