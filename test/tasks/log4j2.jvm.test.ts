import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patchLog4j2 } from '../../src/tasks/log4j2/patch.ts';
import { fixtures } from '../repository.ts';
import { compileAttack } from './log4j2/attack.ts';

const FIXTURES = new URL('./log4j2/', import.meta.url);
const SHIPPED = join(fixtures, 'log4j2/james-3.8.0.xml');

let classpath = '';
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'harden-log4j2-'));
  classpath = compileAttack(home);
}, 120_000);

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Runs the attack under a patched configuration; what log4j2 said of itself, and the files it wrote. */
function attack(source: Buffer): { status: string; log: string; server: string; transport: string } {
  const base = mkdtempSync(join(home, 'james-'));
  const patch = patchLog4j2(source, { log: `${base}/log/james.log`, size: '10 MB', keep: 9 });
  if (patch.state !== 'patched') throw new Error(`The configuration is ${patch.state}: ${patch.reason}.`);
  writeFileSync(`${base}/log4j2.xml`, patch.content);
  const options = [`-Dlog4j2.configurationFile=${base}/log4j2.xml`, `-Dapp.home=${base}`, '-cp', classpath];
  const output = execFileSync('sh', ['-c', 'exec java "$@" 2>&1', 'java', ...options, 'Attack'], {
    encoding: 'utf8',
  });
  const read = (name: string): string =>
    existsSync(`${base}/log/${name}`) ? readFileSync(`${base}/log/${name}`, 'utf8') : '';
  return {
    status: output
      .split('\n')
      .filter((line) => / main (WARN|ERROR|FATAL) /.test(line))
      .join('\n'),
    log: read('james.log'),
    server: read('james-server.log'),
    transport: read('james_transport-protocols.log'),
  };
}

const STAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} - /gm;
const HANDLER = 'org.apache.james.protocols.smtp.core';
const EVENTS = [
  `${HANDLER}.fastfail.AbstractValidRcptHandler [ip=192.0.2.10] - Rejected message. Unknown user: nobody@example.org`,
  'org.apache.james.util.AuditTrail$Entry [ip=192.0.2.10] - SMTP Authentication failed.',
  `${HANDLER}.esmtp.AuthCmdHandler [ip=192.0.2.10] - Could not decode parameters for AUTH PLAIN`,
  `${HANDLER}.esmtp.AuthCmdHandler [ip=] - AUTH method LOGIN failed from Username{localPart=a\\r\\nforged, domainPart=Optional.empty}@192.0.2.11`,
];

const own = (name: string): Buffer => readFileSync(new URL(name, FIXTURES));
const BARE = '<Configuration><Appenders/><Loggers/></Configuration>';
const LATE_LEVEL = `<Configuration monitorInterval="30"><Appenders><File name="James" fileName="\${sys:app.home}/log/james.log"/></Appenders>
<Loggers><Logger name="org.apache.james.protocols.smtp"><AppenderRef ref="James"/></Logger>
<Logger name="org.apache.james.protocols.smtp.core" additivity="false" level="error"><AppenderRef ref="James"/></Logger>
<Root level="warn"><AppenderRef ref="James"/></Root></Loggers></Configuration>`;

/** The real log4j2 2.x reads what the patch wrote. */
describe('a patched configuration under the real log4j2', () => {
  const cases: [string, Buffer][] = [
    ['like the shipped one', own('shipped-like.xml')],
    ['of the guide', own('guide.xml')],
    ['in strict style', own('strict.xml')],
    ['with nothing in it', Buffer.from(BARE)],
    ['with loggers that drop what matters', Buffer.from(LATE_LEVEL)],
    ['as shipped', readFileSync(SHIPPED)],
  ];

  it.each(cases)(
    '%s: one line an event, nothing else, no complaint',
    (_name, source) => {
      const { status, log } = attack(source);
      expect(status).toBe('');
      expect(log.match(STAMP)).toHaveLength(EVENTS.length);
      expect(log.replace(STAMP, '').split('\n')).toEqual([...EVENTS, '']);
    },
    60_000,
  );

  it('other events go where they went: james-server.log and the protocols file', () => {
    const { server, transport } = attack(own('shipped-like.xml'));
    expect(server).toContain('forged by another logger');
    expect(server).toContain('forged by a stranger');
    expect(server).toContain('SMTP Authentication failed.');
    expect(transport).toContain('Rejected message. Unknown user: nobody@example.org');
    expect(transport).toContain('AUTH method LOGIN failed');
  }, 60_000);
});
