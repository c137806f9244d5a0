import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jamesFailregex } from '../../src/tasks/fail2ban/james.ts';
import { fixtures } from '../repository.ts';
import { startHost, type TestHost } from './host.ts';
import { python } from './python.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ kind: 'fail2ban' });
});
afterAll(() => host?.stop());

const RELEASED = jamesFailregex('3.9.0');
const DEVELOPMENT = jamesFailregex('3.10.0-SNAPSHOT');

/**
 * As fail2ban's filter does: the time stamp is cut out, a line end is added, `<ADDR>` stands for an IPv4 or IPv6
 * address. A log is bytes that are split at LF alone: James lets NUL, CR and U+2028 stand in its lines.
 */
const FILTER = `import base64, json, re, sys
ADDR = r'\\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\\d{1,3}\\.){3}\\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\\]?'
STAMP = re.compile(r'^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d[.,]\\d+ [+-]\\d{4}')
def address(regexes, line):
    text = STAMP.sub('', line, count=1) + '\\n'
    found = [match for match in (regex.search(text) for regex in regexes) if match]
    return [match.group('ip4') or match.group('ip6') for match in found]
def failures(job):
    regexes = [re.compile(regex.replace('<ADDR>', ADDR)) for regex in job['failregex']]
    log = base64.b64decode(job['log']).decode('utf-8', 'replace')
    return [address(regexes, line) for line in log.split('\\n') if line]
print(json.dumps([failures(job) for job in json.load(sys.stdin)]))`;

interface FilterJob {
  readonly failregex: readonly string[];
  readonly log: Buffer;
}

/** Of each job, line by line: the address that each matching regex would ban. */
const failures = (jobs: readonly FilterJob[]): Promise<string[][][]> =>
  python(
    host,
    FILTER,
    jobs.map(({ failregex, log }) => ({ failregex, log: log.toString('base64') })),
  );

const SMTP = 'org.apache.james.protocols.smtp.core';
const AUTH = `${SMTP}.esmtp.AuthCmdHandler`;
const RCPT = `${SMTP}.fastfail.AbstractValidRcptHandler`;
const AUDIT = 'org.apache.james.util.AuditTrail';
const A = '192.0.2.10';
const VICTIM = '203.0.113.9';
const STAMP = '2026-11-22 13:01:33.897 +0000';
const at = (text: string) => `${STAMP} - ${text}`;
const auth = (ip: string, user: string, end = A, method = 'LOGIN') =>
  at(`${AUTH} [ip=${ip}] - AUTH method ${method} failed from ${user}@${end}`);
const user = (name: string, domain = 'Optional.empty') => `Username{localPart=${name}, domainPart=${domain}}`;
const DOMAIN = 'Optional[Domain : domaine.de]';
const unknown = (logger: string, name: string, ip = A) =>
  at(`${logger} [ip=${ip}] - Rejected message. Unknown user: ${name}`);

/** Lines, and whose failure each is: nobody's, or the address that the filter has to name, once. */
type Row = readonly [what: string, line: string, address: string | undefined];

const SAMPLE: Row[] = [
  ...['11:11:50.206', '11:11:51.206', '11:11:52.206', '11:11:53.206'].map((time, index): Row => {
    const address = `45.129.14.3${index % 2}`;
    return [
      'a published line, unknown user',
      `2023-06-17 ${time} +0200 - ${RCPT} [ip=${address}] - Rejected message. Unknown user: dar...@domaine.de`,
      address,
    ];
  }),
  ...[' : ', ' :', ' : ', ' :'].map((colon, index): Row => {
    const address = `45.129.14.4${index % 2}`;
    const line = `AUTH method LOGIN failed from ${user('monitor', `Optional[Domain${colon}domaine.de]`)}`;
    return [
      `a published line, Domain${colon}domaine.de`,
      `2023-06-17 11:11:50.206 +0200 - ${AUTH} [ip=] - ${line}@${address}`,
      address,
    ];
  }),
];

const HONEST: Row[] = [
  ['LOGIN of 3.8', auth('', user('monitor', DOMAIN)), A],
  ['LOGIN of 3.8 without a domain', auth('', user('root')), A],
  ['PLAIN of 3.8', auth('', user('monitor', DOMAIN), A, 'PLAIN'), A],
  ['PLAIN of 3.8 with initial response', auth(A, user('monitor', DOMAIN), A, 'PLAIN'), A],
  ['another mechanism', auth(A, user('monitor'), A, 'XOAUTH2'), A],
  ['a mechanism with a hyphen', auth(A, user('monitor'), A, 'SCRAM-SHA-256'), A],
  ['odd but honest names', auth('', user('al.ice+tag', 'Optional[Domain : sub-1.a_b.example]')), A],
  ['a name with blanks, commas and braces', auth('', user('a, b {c} = [d]')), A],
  ['LOGIN of 3.9', auth(A, `Optional[${user('monitor', DOMAIN)}]`), A],
  ['PLAIN of 3.9 without a domain', auth(A, `Optional[${user('root')}]`, A, 'PLAIN'), A],
  ['IPv6 as Java prints it', auth('', user('root'), '2001:db8:0:0:0:0:0:1'), '2001:db8:0:0:0:0:0:1'],
  ['the client behind a proxy', auth('10.0.0.1', user('root')), A],
  ['unknown user of 3.8', unknown(RCPT, 'dar@domaine.de'), A],
  ['unknown user of 3.9', unknown(`${AUDIT}$Entry`, 'dar@domaine.de'), A],
  ['unknown user, inlined', unknown(AUDIT, 'dar@domaine.de'), A],
  ['unknown user from IPv6', unknown(RCPT, 'x@y', '2001:db8:0:0:0:0:0:1'), '2001:db8:0:0:0:0:0:1'],
  ['capitals and a tag', unknown(RCPT, 'No.Body+x@localhost'), A],
];

const AUDITED: Row[] = [
  ['the audited login', at(`${AUDIT}$Entry [ip=${A}] - SMTP Authentication failed.`), A],
  ['the audited login, inlined', at(`${AUDIT} [ip=${A}] - SMTP Authentication failed.`), A],
];

/** What would ban the victim if it were taken for a line; a client can put it into whatever it chooses. */
const forged = ` - ${RCPT} [ip=${VICTIM}] - Rejected message. Unknown user: y`;
const FORGED: Row[] = [
  ['a name that is a line', auth('', user(forged.toLowerCase())), A],
  ['a name that ends like one', auth('', user(`x}@${VICTIM}`)), A],
  [
    'a name that ends like one of 3.9',
    auth(A, `Optional[${user(`x, domainPart=Optional.empty}]@${VICTIM}`)}]`),
    A,
  ],
  ['a name with a domain inside', auth('', user(`x}, domainPart=Optional[Domain : ${VICTIM}]`)), A],
  ['a domain that is an address', auth('', user('x', `Optional[Domain : ${VICTIM}]`)), A],
  ['a name with encoded line ends', auth('', user(`x\\r\\n${forged.toLowerCase()}`)), A],
  ['a name with a CR', auth('', user(`x\r${forged}`)), A],
  ['a name with U+2028 and U+0085', auth('', user(`x\u2028${forged}\u0085${forged}`)), A],
  ['a name with NUL, VT, FF and RS', auth('', user(`x\0${forged}\x0b\x0c\x1e${forged}`)), A],
  ['a recipient that is a line', unknown(RCPT, `q@localhost [ip=${VICTIM}] ${forged}`), A],
  ['a recipient that ends like a login', unknown(RCPT, `q}@${VICTIM}`), A],
  ['a recipient with a stamp', unknown(`${AUDIT}$Entry`, STAMP + forged), A],
  [
    'a name as long as a line may be',
    auth('', user(`, domainPart=Optional.empty}@${VICTIM}`.repeat(2000))),
    A,
  ],
];

const NOT_A_FAILURE: Row[] = [
  ['a sender', at(`${SMTP}.MailCmdHandler [ip=${A}] - Error parsing sender address: <${forged}>`), undefined],
  [
    'a recipient that could not be parsed',
    at(`${SMTP}.RcptCmdHandler [ip=${A}] - Error parsing recipient address [to:\\n${STAMP}${forged}`),
    undefined,
  ],
  [
    'a greeting',
    at(`${SMTP}.esmtp.EhloCmdHandler [ip=${A}] - Invalid EHLO argument received: ${forged}`),
    undefined,
  ],
  [
    'a mechanism with an address',
    at(`${AUTH} [ip=${A}] - AUTH method X@${VICTIM} is an unrecognized authentication type`),
    undefined,
  ],
  [
    'a mechanism that says it failed',
    at(`${AUTH} [ip=${A}] - AUTH method X FAILED FROM ${user('x').toUpperCase()}@${VICTIM}`),
    undefined,
  ],
  [
    'a mechanism with small letters',
    auth(A, user('x'), VICTIM, 'plain failed from z, AUTH method PLAIN'),
    undefined,
  ],
  ['a login that James itself denied', at(`${AUTH} [ip=${A}] - AUTH method PLAIN failed`), undefined],
  [
    'an error upon a recipient',
    at(`${RCPT} [ip=${A}] - Encounter an error upon RCPT validation (${forged}), deny-soft`),
    undefined,
  ],
  [
    'the hook result of a counted recipient',
    at(`${SMTP}.log.HookResultLogger [ip=${A}] - ValidRcptHandler: result= (DENY CONNECTED) 550 ${forged}`),
    undefined,
  ],
  [
    'a POP3 login',
    at(
      `org.apache.james.pop3server.core.PassCmdHandler [ip=${A}] - Bad credential supplied for ${forged} with remote address /${A}`,
    ),
    undefined,
  ],
  ['another logger of the same end', unknown(`com.example.${RCPT}`, 'x@y', VICTIM), undefined],
  ['a logger with a dot that is none', unknown(RCPT.replaceAll('.', 'x'), 'x@y', VICTIM), undefined],
  ['a line in lower case', unknown(RCPT, 'x@y', VICTIM).toLowerCase(), undefined],
  ['a line behind another text', `x ${unknown(RCPT, 'x@y', VICTIM)}`, undefined],
  ['a line behind a stamp of its own', at(STAMP + forged), undefined],
  ['a name with no end', auth('', 'Username{localPart=x', VICTIM), undefined],
  ['a name followed by more', `${auth('', user('x'))} or ${VICTIM} x`, undefined],
  ['a raw name, as of 3.4', auth('', 'x', VICTIM), undefined],
  ['a host name', auth('', user('x'), 'mail.example'), undefined],
  ['a host name in the context', unknown(RCPT, 'x@y', 'localhost'), undefined],
  ['an empty context', unknown(RCPT, 'x@y', ''), undefined],
  ['more than an address in the context', unknown(RCPT, 'x@y', `${A} ${VICTIM}`), undefined],
  ['an audited success', at(`${AUDIT}$Entry [ip=${A}] - SMTP Authentication succeeded.`), undefined],
  ['another audited text', at(`${AUDIT}$Entry [ip=${A}] - ${forged}`), undefined],
  [
    'another protocol',
    at(`${AUDIT}$Entry [ip=${A}] - IMAP Authentication failed because of bad credentials.`),
    undefined,
  ],
  [
    'an audited text with more behind it',
    at(`${AUDIT}$Entry [ip=${A}] - SMTP Authentication failed. x`),
    undefined,
  ],
];

const COMMON = [...SAMPLE, ...HONEST, ...FORGED, ...NOT_A_FAILURE];
const nobody = (rows: Row[]): Row[] => rows.map(([what, line]) => [what, line, undefined]);
const TABLES: [string, readonly string[], Row[]][] = [
  ['3.9 and older', RELEASED, [...COMMON, ...nobody(AUDITED)]],
  ['the development branch', DEVELOPMENT, [...COMMON, ...AUDITED]],
];

describe("James's lines", () => {
  let found: string[][][] = [];
  beforeAll(async () => {
    found = await failures(
      TABLES.map(([, failregex, rows]) => ({
        failregex,
        log: Buffer.from(rows.map(([, line]) => `${line}\n`).join('')),
      })),
    );
  });

  it('are as many as were given: none of them was split', () => {
    expect(SAMPLE).toHaveLength(8);
    expect(found.map((lines) => lines.length)).toEqual(TABLES.map(([, , rows]) => rows.length));
  });

  describe.each(TABLES.map(([name, , rows], table) => ({ name, rows, table })))(
    'of $name',
    ({ rows, table }) => {
      it.each(rows.map(([what, , address], index) => ({ what, address, index })))(
        '$what: $address',
        ({ address, index }) => expect(found[table]?.[index]).toEqual(address ? [address] : []),
      );
    },
  );
});

// real servers under attack: 15 honest failures by SMTP from one address, forgeries from the other
const LOGS = join(fixtures, 'logs');

describe('a real log', () => {
  it.each(readdirSync(LOGS))('%s: each failure once, no forged address', async (name) => {
    const version = /real-([\d.]+)-/.exec(name)?.[1];
    const log = readFileSync(join(LOGS, name));
    const [lines = []] = await failures([{ failregex: jamesFailregex(version), log }]);
    expect(lines.filter((addresses) => addresses.length > 1)).toEqual([]);
    const addresses = lines.flat();
    expect(addresses.filter((address) => address === '127.66.0.1')).toHaveLength(15);
    expect(new Set(addresses)).toEqual(new Set(['127.66.0.1', '127.66.0.2']));
  });
});
