import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { check, type Params, schema } from '../../../src/tasks/iptables/schema.ts';

const valid = new Ajv.default({ strict: false }).compile(schema);
const row = { name: 'MAIL', protocol: 'tcp' as const, ports: [25], seconds: 60, hitcount: 4 };
const params = (over: object, more: object = {}): Params =>
  ({ limits: [{ ...row, ...over }], ...more }) as Params;

describe('schema', () => {
  it.each([
    [{}, {}],
    [
      { name: 'x'.repeat(190), hitcount: 255, seconds: 86400 },
      { chain: 'LIMITS', ipv6: false, trusted: ['::1'] },
    ],
    [{ ports: 'ssh' }, {}],
  ])('takes %j with %j', (over, more) => expect(valid(params(over, more))).toBe(true));

  it.each<[object, object?]>([
    [{ name: 'a b' }],
    [{ name: 'a/b' }],
    [{ name: '-x' }],
    [{ name: 'x'.repeat(191) }],
    [{ hitcount: 1 }],
    [{ hitcount: 256 }],
    [{ seconds: 0 }],
    [{ seconds: 86401 }],
    [{ ports: [] }],
    [{ ports: [0] }],
    [{ ports: [65536] }],
    [{ ports: ['smtp'] }],
    [{ ports: Array.from({ length: 16 }, (_, index) => index + 1) }],
    [{ protocol: 'sctp' }],
    [{ hitcounts: 4 }],
    [{}, { chain: 'a b' }],
    [{}, { chain: 'x'.repeat(29) }],
    [{}, { limits: [] }],
  ])('refuses %j %j', (over, more = {}) => expect(valid(params(over, more))).toBe(false));
});

describe('check', () => {
  it('is content with what is right', () => {
    expect(check(params({}, { trusted: ['192.0.2.7', '2001:db8::/32'] }))).toEqual([]);
    expect(check(params({ name: 'DDOS-SSH', ports: undefined }))).toEqual([]);
    expect(check(params({ protocol: 'icmp', ports: undefined, hitcount: 2 }))).toEqual([]);
  });

  it.each([
    [params({ protocol: 'icmp' }), ['limits', 0, 'ports'], 'icmp has no ports'],
    [params({ protocol: 'udp', ports: 'ssh' }), ['limits', 0, 'ports'], 'ssh is tcp'],
    [params({ ports: undefined }), ['limits', 0], 'a tcp limit needs ports'],
    [params({ name: 'ssh', protocol: 'udp', ports: undefined }), ['limits', 0], 'a udp limit needs ports'],
    [
      params({ ports: [25, 22], hitcount: 3 }),
      ['limits', 0, 'hitcount'],
      /must admit at least three sessions/,
    ],
    [params({ ports: 'ssh', hitcount: 3 }), ['limits', 0, 'hitcount'], /must admit at least three sessions/],
    [params({}, { chain: 'INPUT' }), ['chain'], /uses itself/],
    [params({}, { chain: 'f2b-sshd' }), ['chain'], /uses itself/],
    [params({}, { trusted: ['::1', 'mail.example'] }), ['trusted', 1], /is not an IPv4 or IPv6 address/],
    [params({}, { trusted: ['0.0.0.0/0'] }), ['trusted', 0], /nothing would be limited/],
    [params({ name6: 'MAIL' }), ['limits', 0, 'name6'], /the list MAIL is used by limits\[0\] already/],
    [
      params({}, { limits: [row, { ...row, name: 'MAIL6' }] }),
      ['limits', 1, 'name'],
      /the list MAIL6 is used by limits\[0\]/,
    ],
  ])('names the place of what is wrong in %j', (wrong, path, problem) => {
    expect(check(wrong)).toContainEqual([
      path,
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  it('names each name that is taken', () => {
    expect(check({ limits: [row, row] }).map(([path]) => path)).toEqual([
      ['limits', 1, 'name'],
      ['limits', 1, 'name'],
    ]);
  });
});
