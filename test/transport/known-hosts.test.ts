import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  hasAuthority,
  judgeKey,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from '../../src/transport/known-hosts.ts';

function blob(type: string, seed: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(seed.padEnd(32, '.'))]);
}

const a = blob('ssh-ed25519', 'a');
const b = blob('ssh-ed25519', 'b');
const rsa = blob('ssh-rsa', 'r');
const line = (hosts: string, key = a, type = 'ssh-ed25519') =>
  `${hosts} ${type} ${key.toString('base64')} comment`;

function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

// Printed by `ssh-keygen -H` of OpenSSH 9.2 for the name mail.example.org.
const fromKeygen = line('|1|4MxfR5AsyHeEGp3ZDg74o3iQW3w=|q9shMfKyCgPfnVUCIz5EDvY5T38=');

describe('a key is judged by the lines on file', () => {
  const cases: [why: string, file: string[], name: string[], key: Buffer, state: string, at?: number][] = [
    ['plain name', [line('mail.example.org')], ['mail.example.org'], a, 'trusted'],
    ['other host', [line('other.example.org')], ['mail.example.org'], a, 'unknown'],
    ['comma list', [line('x,mail.example.org,203.0.113.1')], ['203.0.113.1'], a, 'trusted'],
    ['case of the pattern', [line('Mail.Example.ORG')], ['mail.example.org'], a, 'trusted'],
    [
      'port',
      [line('[mail.example.org]:2222')],
      ['[mail.example.org]:2222', 'mail.example.org'],
      a,
      'trusted',
    ],
    [
      'other port',
      [line('[mail.example.org]:2222')],
      ['[mail.example.org]:23', 'mail.example.org'],
      a,
      'unknown',
    ],
    ['bare name, same key', [line('h')], ['[h]:2222', 'h'], a, 'trusted'],
    ['bare name, other key', [line('h')], ['[h]:2222', 'h'], b, 'unknown'],
    ['star', [line('*.example.org')], ['mail.example.org'], a, 'trusted'],
    ['star needs the dot', [line('*.example.org')], ['example.org'], a, 'unknown'],
    ['question mark', [line('mx?')], ['mx1'], a, 'trusted'],
    ['question mark is one character', [line('mx?')], ['mx'], a, 'unknown'],
    ['negation', [line('*.example.org,!mail.example.org')], ['mail.example.org'], a, 'unknown'],
    ['negation first', [line('!mail.example.org,*.example.org')], ['www.example.org'], a, 'trusted'],
    ['hashed', [line(hashed('mail.example.org'))], ['mail.example.org'], a, 'trusted'],
    ['hashed with port', [line(hashed('[h]:2222'))], ['[h]:2222', 'h'], a, 'trusted'],
    ['hashed other', [line(hashed('other'))], ['mail.example.org'], a, 'unknown'],
    ['unknown hash', [line('|2|abc|def')], ['h'], a, 'unknown'],
    ['changed', ['# a comment', '', line('h', b)], ['h'], a, 'changed', 3],
    ['changed, of another type', [line('h', rsa, 'ssh-rsa')], ['h'], a, 'changed', 1],
    ['one of two keys', [line('h', b), line('h', a)], ['h'], a, 'trusted'],
    ['revoked wins', [line('h'), `@revoked ${line('*')}`], ['h'], a, 'revoked', 2],
    ['another key is revoked', [line('h'), `@revoked ${line('*', b)}`], ['h'], a, 'trusted'],
    ['authority', [`@cert-authority ${line('*.example.org')}`], ['mail.example.org'], a, 'unknown'],
    ['unknown marker', [`@other ${line('h')}`], ['h'], a, 'unknown'],
    ['type does not fit the key', [line('h', a, 'ssh-rsa')], ['h'], a, 'unknown'],
    ['tabs and blanks', [`\t${line('h').replaceAll(' ', '\t  ')}\r`], ['h'], a, 'trusted'],
    ['cut off', ['h ssh-ed25519', 'h'], ['h'], a, 'unknown'],
  ];
  test.each(cases)('%s', (_why, file, names, key, state, at) => {
    const verdict = judgeKey(parseKnownHosts(file.join('\n'), 'known_hosts'), names, key);
    expect(verdict).toMatchObject({ state, ...(at === undefined ? {} : { file: 'known_hosts', line: at }) });
  });
});

test.each([
  ['an authority alone', [`@cert-authority ${line('*.h')}`], true],
  ['an authority beside a key', [`@cert-authority ${line('*.h')}`, line('mx.h')], true],
  ['a key alone', [line('mx.h')], false],
  ['an authority of others', [`@cert-authority ${line('*.x')}`], false],
  ['an authority, and a revoked key', [`@cert-authority ${line('*.h')}`, `@revoked ${line('*', b)}`], true],
])('may be known by a certificate: %s', (_why, file, may) => {
  expect(hasAuthority(parseKnownHosts(file.join('\n'), 'f'), ['mx.h'])).toBe(may);
});

test('several files are one', () => {
  const known = [...parseKnownHosts(line('h', b), 'one'), ...parseKnownHosts(line('h'), 'two')];
  expect(judgeKey(known, ['h'], a)).toEqual({ state: 'trusted' });
  expect(judgeKey(known, ['h'], rsa)).toEqual({ state: 'changed', file: 'one', line: 1 });
});

test('the types on file, without authorities, revoked keys and other hosts', () => {
  const known = parseKnownHosts(
    [
      line('h', rsa, 'ssh-rsa'),
      line('h'),
      line('h', b),
      `@revoked ${line('h', rsa, 'ssh-rsa')}`,
      line('x'),
    ].join('\n'),
    'f',
  );
  expect(knownKeyTypes(known, ['h'])).toEqual(['ssh-rsa', 'ssh-ed25519']);
  expect(knownKeyTypes(known, ['y'])).toEqual([]);
});

test.each([
  ['h', 22, 'h'],
  ['H.example.org', 2222, '[h.example.org]:2222'],
  ['2001:db8::1', 22, '2001:db8::1'],
  ['2001:db8::1', 23, '[2001:db8::1]:23'],
])('%s port %i is on file as %s', (host, port, name) => {
  expect(knownHostName(host, port)).toBe(name);
});

test('a name that ssh-keygen hashed', () => {
  expect(judgeKey(parseKnownHosts(fromKeygen, 'f'), ['mail.example.org'], a)).toEqual({ state: 'trusted' });
});

test('no text makes it throw, and a pattern of stars does not make it slow', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
      judgeKey(parseKnownHosts(text, 'f'), ['h'], a);
    }),
  );
  const evil = parseKnownHosts(line(`${'*a'.repeat(60)}b`), 'f');
  const start = performance.now();
  expect(judgeKey(evil, ['a'.repeat(200)], a)).toEqual({ state: 'unknown' });
  expect(performance.now() - start).toBeLessThan(200);
});

test('a literal name matches exactly itself', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
      fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
      (one, other) => {
        const state = judgeKey(parseKnownHosts(line(one), 'f'), [other], a).state;
        expect(state).toBe(one === other ? 'trusted' : 'unknown');
      },
    ),
  );
});
