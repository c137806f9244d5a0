import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Wanted } from '../../../src/tasks/log4j2/ours.ts';
import { type Patch, patchLog4j2 } from '../../../src/tasks/log4j2/patch.ts';
import { fixtures } from '../../repository.ts';

const WANTED: Wanted = { log: '/opt/james/log/james.log', size: '10 MB', keep: 9 };
const patch = (source: string | Buffer, wanted = WANTED) => patchLog4j2(Buffer.from(source), wanted);
function patched(source: string | Buffer): Extract<Patch, { state: 'patched' }> {
  const result = patch(source);
  if (result.state !== 'patched') throw new Error(`${result.state}: ${result.reason}`);
  return result;
}
const own = (name: string) => readFileSync(new URL(name, import.meta.url));

/** A configuration in which `inner` stands where loggers are. */
const loggers = (inner: string, appenders = '') =>
  `<Configuration monitorInterval="30">\n  <Appenders>${appenders}</Appenders>\n  <Loggers>\n${inner}\n  </Loggers>\n</Configuration>\n`;
const SMTP = 'org.apache.james.protocols.smtp';
const REF = '<AppenderRef ref="HardenJames" level="info"/>';

describe('a log4j2.xml', () => {
  it.each(['shipped-like.xml', 'guide.xml', 'strict.xml'])('%s: only what is meant differs', async (name) => {
    const before = own(name);
    const { content, notes } = patched(before);
    const diff = createTwoFilesPatch(
      name,
      name,
      before.toString(),
      content.toString(),
      undefined,
      undefined,
      {
        context: 1,
        headerOptions: FILE_HEADERS_ONLY,
      },
    );
    await expect(`${diff}\n${notes.map((note) => `note: ${note}\n`).join('')}`).toMatchFileSnapshot(
      `golden/${name.replace('.xml', '.diff')}`,
    );
    expect(patch(content)).toEqual({
      state: 'unchanged',
      reason: 'it writes /opt/james/log/james.log as wanted already',
      notes: [],
    });
  });

  it('empty sections are opened up', () => {
    const { content } = patched('<Configuration><Appenders/><Loggers/></Configuration>');
    expect(content.toString()).toMatch(
      /^<Configuration monitorInterval="30"><Appenders><RollingFile .*<\/RollingFile><\/Appenders><Loggers><Logger .*<\/Loggers><\/Configuration>$/,
    );
  });

  it.each<[string, (text: string) => Buffer]>([
    ['line ends of Windows', (text) => Buffer.from(text.replaceAll('\n', '\r\n'))],
    ['line ends of old Macs', (text) => Buffer.from(text.replaceAll('\n', '\r'))],
    ['a byte order mark', (text) => Buffer.from(`\uFEFF${text}`)],
    ['tabs', (text) => Buffer.from(text.replaceAll('  ', '\t'))],
    [
      'letters of ISO-8859-1',
      (text) =>
        Buffer.from(
          text.replace('UTF-8', 'ISO-8859-1').replace('<Loggers>', '<!-- \u00e9 --><Loggers>'),
          'latin1',
        ),
    ],
    [
      'letters beyond U+FFFF',
      (text) => Buffer.from(text.replace('<Loggers>', '<!-- \u{1F512} --><Loggers>')),
    ],
  ])('keeps %s', (_, make) => {
    const before = make(own('guide.xml').toString());
    const { content } = patched(before);
    // what was there is there still, byte for byte, but for the lines that move the other appender
    const lines = (bytes: Buffer) => bytes.toString('latin1').split(/(?<=\r\n|\n|\r(?!\n))/);
    const after = new Set(lines(content));
    const gone = lines(before).filter((line) => !after.has(line));
    expect(
      gone.every((line) => /james\.(log|%d)|<Logger name="org.apache.james.protocols.smtp"/.test(line)),
      gone.join(''),
    ).toBe(true);
    expect(patch(content).state).toBe('unchanged');
  });

  it.each<[string, string, string]>([
    [
      'as wanted',
      `<Logger name="${SMTP}" level="info">${REF}</Logger>`,
      `<Logger name="${SMTP}" level="info">${REF}</Logger>`,
    ],
    [
      'at a level that drops',
      `<Logger name="${SMTP}" level="WARN">${REF}</Logger>`,
      `<Logger name="${SMTP}" level="info">${REF}</Logger>`,
    ],
    [
      'that inherits a level that drops',
      `<Logger name="${SMTP}">${REF}</Logger>`,
      `<Logger name="${SMTP}" level="info">${REF}</Logger>`,
    ],
    [
      'that says more',
      `<Logger name="${SMTP}" level="trace">${REF}</Logger>`,
      `<Logger name="${SMTP}" level="trace">${REF}</Logger>`,
    ],
    [
      'that goes elsewhere',
      `<Logger name="${SMTP}" level="info" additivity="false"><AppenderRef ref="X"/></Logger>`,
      `additivity="false"><AppenderRef ref="X"/>${REF}</Logger>`,
    ],
    [
      'without children',
      `<Logger name='${SMTP}' level='info'/>`,
      `<Logger name='${SMTP}' level='info'>\n      ${REF}\n    </Logger>`,
    ],
    [
      'with a reference of another level',
      `<Logger name="${SMTP}" level="info"><AppenderRef ref="HardenJames" level="error"/></Logger>`,
      `level="info">${REF}</Logger>`,
    ],
    [
      'that is asynchronous',
      `<AsyncLogger name="${SMTP}" level="info">${REF}</AsyncLogger>`,
      `<AsyncLogger name="${SMTP}" level="info" includeLocation="true">${REF}`,
    ],
    [
      'without the class of an event',
      `<Logger name="${SMTP}" level="info" includeLocation="false">${REF}</Logger>`,
      `includeLocation="true">${REF}`,
    ],
    [
      'below it, that drops',
      `<Logger name="${SMTP}.core" level="error"/>`,
      `<Logger name="${SMTP}.core" level="info"/>`,
    ],
    [
      'below it, that keeps to itself',
      `<Logger name="${SMTP}.core" level="info" additivity="false"/>`,
      `additivity="false">\n      ${REF}\n    </Logger>`,
    ],
  ])('a logger %s', (_, before, after) => {
    const { content } = patched(loggers(`    ${before}\n    <Root level="warn"/>`));
    expect(content.toString()).toContain(after);
    expect(patch(content).state).toBe('unchanged');
  });

  it('an absent logger is added at a level that keeps what went through so far', () => {
    const { content } = patched(
      loggers('    <Logger name="org.apache.james" level="debug"/>\n    <Root level="warn"/>'),
    );
    expect(content.toString()).toContain(`<Logger name="${SMTP}" level="debug">`);
  });

  it('others that write into our file move beside it, and no reference of others stays', () => {
    const { content, notes } = patched(
      loggers(
        `    <Root level="info"><AppenderRef ref="James"/>${REF}</Root>`,
        '<File name="James" fileName="../log/james.log"/><File name="B" fileName="../log/james-server.log"/>',
      ),
    );
    const text = content.toString();
    expect(text).toContain('<File name="James" fileName="../log/james-server-2.log"/>');
    expect(text).toContain('<Root level="info"><AppenderRef ref="James"/></Root>');
    expect(notes.join('\n')).toMatch(
      /"James" moves to james-server-2\.log[\s\S]*A reference to "HardenJames" in line 4 is removed/,
    );
  });

  it.each([
    ['${sys:app.home}/log/james.log', '${sys:app.home}/log/james-server.log'],
    ['/opt/james/log/james.log', '/opt/james/log/james-server.log'],
    ['&#47;opt/james/log/james.log', '/opt/james/log/james-server.log'],
    ['/var/log/james.log', undefined],
    ['/opt/james/log/james2.log', undefined],
    ['james.log.old', undefined],
  ])('a file %s moves to %s', (before, after) => {
    const { content } = patched(loggers('', `<File name="F" fileName="${before}"/>`));
    const [, name] = /<File name="F" fileName="([^"]*)"/.exec(content.toString())!;
    expect(name!.replaceAll('&#47;', '/')).toBe(after ?? before);
  });

  it('the old files of one that moves move along', () => {
    const { content } = patched(
      loggers(
        '',
        '<File name="F" fileName="../log/james.log" filePattern="../log/james.%d{yyyy/MM}-%i.log.gz"/>',
      ),
    );
    expect(content.toString()).toContain('filePattern="../log/james-server.%d{yyyy/MM}-%i.log.gz"');
  });

  it('a file whose name is known at run time only is warned of', () => {
    const { notes } = patched(loggers('', '<File name="F" fileName="${sys:log}"/>'));
    expect(notes.join('\n')).toContain('Where appender "F" writes (${sys:log}) is known at run time only');
  });

  it.each<[string, string, RegExp | undefined]>([
    ['no interval', '<Configuration>', /monitorInterval="30" is added. James must be restarted once by hand/],
    ['an interval', '<Configuration monitorInterval="5">', undefined],
    ['none', '<Configuration monitorInterval="0">', /monitorInterval="0" keeps log4j2 from reloading/],
  ])('with %s for looking again', (_, root, note) => {
    const { notes } = patched(`${root}<Appenders/><Loggers/></Configuration>`);
    const found = notes.filter((one) => one.includes('monitorInterval'));
    expect(found).toEqual(note ? [expect.stringMatching(note)] : []);
  });

  it('of an appender of ours only one is left, as it shall be', () => {
    const { content, notes } = patched(
      loggers(
        '',
        '<RollingFile name="HardenJames" fileName="/tmp/x"/><RollingFile name="HardenJames" fileName="/tmp/y"/>',
      ),
    );
    expect(content.toString().match(/name="HardenJames"/g)).toHaveLength(1);
    expect(content.toString()).not.toContain('/tmp');
    expect(notes.join('\n')).toMatch(/Further appenders[\s\S]*was altered/);
  });

  it.each<[string, string, string]>([
    [
      'is no XML',
      'log4j.rootLogger=DEBUG, CONS\nlog4j.appender.CONS=x\n',
      '1:1 the file is a properties file of log4j 1, not an XML file of log4j2',
    ],
    ['ends too early', '<Configuration>\n <Appenders>', '2:13 the file is not well-formed XML'],
    ['has a tag too many', '<Configuration><Appenders/>\n<Loggers></Logger></Configuration>', '2:'],
    ['is empty', '', '1:1 the file is not well-formed XML'],
    ['is of log4j 1', '<log4j:configuration xmlns:log4j="x"/>', '1:1 the file is a log4j 1 configuration'],
    [
      'is of logback',
      '<configuration>\n  <appender name="x"/></configuration>',
      '2:3 an appender directly in the root',
    ],
    ['is something else', '<a/>', '1:1 the root element is a, not Configuration'],
    [
      'has a DOCTYPE',
      '<!DOCTYPE c [ <!ENTITY l "x"> ]>\n<Configuration>&l;</Configuration>',
      '1:1 it has a DOCTYPE',
    ],
    [
      'has a prefix',
      '<l:Configuration xmlns:l="x"/>',
      '1:1 log4j2 does not understand a configuration with a namespace prefix',
    ],
    [
      'includes another',
      '<Configuration xmlns:xi="http://www.w3.org/2001/XInclude"><Appenders/>\n<xi:include href="x"/></Configuration>',
      '2:1 a part of the configuration is included',
    ],
    [
      'has no loggers',
      '<Configuration><Appenders/></Configuration>',
      '1:1 the configuration has no <Loggers> section',
    ],
    [
      'has two sections',
      '<Configuration><Appenders/><Loggers/>\n  <Loggers/></Configuration>',
      '2:3 this is a second <Loggers> section',
    ],
    [
      'holds events back',
      '<Configuration><ThresholdFilter level="error"/><Appenders/><Loggers/></Configuration>',
      '1:16 the <ThresholdFilter> of the whole configuration may hold back',
    ],
    [
      'holds events back by several',
      '<Configuration>\n <Filters><MarkerFilter/></Filters><Appenders/><Loggers/></Configuration>',
      '2:2 the <Filters> of the whole configuration',
    ],
    [
      'depends on where it runs',
      '<Configuration><Appenders/>\n<Select><SystemPropertyArbiter/></Select><Loggers/></Configuration>',
      '2:1 a <Select> decides only at run time',
    ],
    [
      'depends on a property',
      '<Configuration><Appenders><SystemPropertyArbiter propertyName="x"/></Appenders><Loggers/></Configuration>',
      '1:27 a <SystemPropertyArbiter> decides only at run time',
    ],
    [
      'has a logger that filters',
      loggers(`<Logger name="${SMTP}" level="info"><BurstFilter/></Logger>`),
      `4:1 logger ${SMTP} has a <BurstFilter> of its own`,
    ],
    [
      'has a logger of another kind',
      loggers(`<Logger name="${SMTP}" levelAndRefs="info,X"/>`),
      `4:1 logger ${SMTP} uses levelAndRefs`,
    ],
    [
      'uses our name',
      loggers('', '<Console name="HardenJames"/>'),
      '2:23 the name HardenJames is already used by a <Console>',
    ],
    ['is in UTF-16', '\uFEFF', ''],
    [
      'declares what it is not',
      '<?xml version="1.0" encoding="EBCDIC"?><Configuration/>',
      '1:31 the file declares the encoding EBCDIC',
    ],
    [
      'is nested without end',
      `${'<a>'.repeat(3000)}${'</a>'.repeat(3000)}`,
      ' its elements are nested too deeply',
    ],
  ])('that %s is left alone', (_, source, expected) => {
    const bytes = source === '\uFEFF' ? Buffer.from([0xff, 0xfe, 0x3c, 0]) : Buffer.from(source);
    const result = patch(bytes);
    if (result.state !== 'refused') throw new Error(`it is ${result.state}`);
    expect(`${result.line}:${result.column} ${result.reason}`).toContain(expected);
  });

  it('with bytes that are not UTF-8 is left alone, with their place', () =>
    expect(
      patch(
        Buffer.concat([
          Buffer.from('<Configuration>\n ab'),
          Buffer.from([0xe9]),
          Buffer.from('</Configuration>'),
        ]),
      ),
    ).toMatchObject({
      state: 'refused',
      line: 2,
      column: 4,
      reason: expect.stringContaining('not valid UTF-8'),
    }));

  it('whatever it is: it is refused, or patched such that nothing is left to do', () => {
    const pieces = fc.constantFrom(
      `<Logger name="${SMTP}" level="error"/>`,
      `<Logger name="${SMTP}" level="info">${REF}</Logger>`,
      `<AsyncLogger name="${SMTP}.core"><level>off</level></AsyncLogger>`,
      `<Logger name="org.apache.james.util.AuditTrail" additivity="false"/>`,
      `<Logger level="debug"><name>org.apache.james</name></Logger>`,
      `<Root level="error"><AppenderRef ref="HardenJames"/></Root>`,
      '<Logger name="open">',
      '<!-- </Loggers> -->',
      '\n\t',
      ' ',
    );
    const files = fc.constantFrom(
      '<File name="A" fileName="james.log"/>',
      '<RollingFile name="B" fileName="${d}/james.log" filePattern="${d}/james.%i.log"/>',
      '<RollingFile name="HardenJames"/>',
      '<Console name="C"/>',
      '\r\n',
    );
    const states = new Set<string>();
    fc.assert(
      fc.property(fc.array(pieces), fc.array(files), (some, others) => {
        const first = patch(
          `<Configuration><Properties><Property name="d">../log</Property></Properties><Appenders>${others.join('')}</Appenders><Loggers>${some.join('')}</Loggers></Configuration>`,
        );
        states.add(first.state);
        if (first.state === 'patched') expect(patch(first.content).state).toBe('unchanged');
      }),
    );
    expect([...states]).toEqual(expect.arrayContaining(['refused', 'patched']));
  });
});

const FILES = join(fixtures, 'log4j2');

describe("James's own files", () => {
  it.each(['james-3.8.0.xml', 'james-master.xml'])('%s: only what is meant differs', async (name) => {
    const before = readFileSync(join(FILES, name)).toString();
    const after = patched(before).content.toString().split('\n');
    const gone = before.split('\n').filter((line) => !after.includes(line));
    for (const line of gone)
      expect(line).toMatch(/james\.(log|%d)|protocols\.smtp|AuditTrail|<Configuration/);
    expect(gone.length).toBeLessThan(8);
    expect(patch(after.join('\n')).state).toBe('unchanged');
  });

  it.each(readdirSync(join(FILES, 'variants')))('%s: refused, or patched for good', (name) => {
    const first = patch(readFileSync(join(FILES, 'variants', name)));
    if (first.state === 'patched') expect(patch(first.content).state).toBe('unchanged');
    else expect(first).toMatchObject({ state: 'refused', reason: expect.stringMatching(/\w/) });
  });
});
