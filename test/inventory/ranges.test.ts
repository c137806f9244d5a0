import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../src/inventory/ranges.ts';
import { load, playbook } from '../playbook/files.ts';

describe('namesOf', () => {
  it.each([
    ['mail1', ['mail1']],
    ['mail[1:3]', ['mail1', 'mail2', 'mail3']],
    ['mail[09:11].example.org', ['mail09.example.org', 'mail10.example.org', 'mail11.example.org']],
    ['10.0.0.[7:7]', ['10.0.0.7']],
    ['[1:2]', ['1', '2']],
    ['mail[3:1]', 'the range ends before it begins: write [1:3]'],
    ['mail[1:90000]', 'a range can stand for 5000 hosts at most'],
  ])('%s', (text, names) => expect(namesOf(text)).toEqual(names));

  it('counts up, each once', () => {
    fc.assert(
      fc.property(fc.nat(900), fc.nat(400), (first, more) => {
        const names = namesOf(`h[${first}:${first + more}]`);
        expect(names).toHaveLength(more + 1);
        expect(new Set(names).size).toBe(more + 1);
        expect(names.at(-1)).toBe(`h${first + more}`);
      }),
    );
  });
});

const files = (hosts: string, groups = '') => ({
  'inventory.yaml': `playbook: p.yaml\n${groups}hosts:\n${hosts}`,
  'p.yaml': playbook('thing: { key: "{{ x }}" }'),
});
const vars = (hosts: string, groups?: string, options = {}) =>
  load(files(hosts, groups), { vars: { x: 'v' }, ...options });
const targets = async (...args: Parameters<typeof vars>) =>
  (await vars(...args)).hosts.map(({ target: { name, address } }) => [name, address]);
const mistakes = (...args: Parameters<typeof vars>) =>
  vars(...args).then(
    () => 'no mistake',
    (error: Error) => error.message,
  );

describe('a range of hosts', () => {
  it('is that many hosts with the same settings', async () => {
    expect(await targets('  mail[01:03]: { port: 2222 }\n  other:\n')).toEqual([
      ['mail01', 'mail01'],
      ['mail02', 'mail02'],
      ['mail03', 'mail03'],
      ['other', 'other'],
    ]);
  });

  it('takes addresses along', async () => {
    expect(await targets('  mail[01:02]: { address: "10.0.0.[9:10]" }\n')).toEqual([
      ['mail01', '10.0.0.9'],
      ['mail02', '10.0.0.10'],
    ]);
  });

  it('is a member of groups, as a whole or in part, and a part of --limit', async () => {
    const groups =
      'groups: { some: { hosts: ["mail[2:3]"], vars: { x: s } }, all: { hosts: ["mail[1:4]"] } }\n';
    const { hosts } = await load(files('  mail[1:4]: { vars: { x: h } }\n  b: { vars: { x: b } }\n', groups));
    expect(hosts.map(({ tasks }) => tasks[0]?.params.key)).toEqual(['h', 'h', 'h', 'h', 'b']);
    expect(await targets('  mail[1:4]:\n  b:\n', groups, { limit: 'some,b' })).toEqual([
      ['mail2', 'mail2'],
      ['mail3', 'mail3'],
      ['b', 'b'],
    ]);
    expect(await targets('  mail[1:4]:\n  b:\n', groups, { limit: 'all,!mail[2:4]' })).toEqual([
      ['mail1', 'mail1'],
    ]);
  });

  it('of some hundred hosts shares what is the same for all', async () => {
    const { hosts } = await vars('  mail[001:400]: { vars: { x: h } }\n');
    expect(hosts).toHaveLength(400);
    expect(new Set(hosts.map(({ tasks }) => tasks[0]?.params)).size).toBe(1);
  });

  it.each([
    [
      'that ends before it begins',
      '  mail[3:1]:\n',
      '',
      'inventory.yaml:3:3 the range ends before it begins: write [1:3]',
    ],
    [
      'that meets another one',
      '  mail[1:3]:\n  mail2: { port: 1 }\n',
      '',
      'inventory.yaml:4:3 "mail2" stands below hosts already, as one of "mail[1:3]"',
    ],
    [
      'with one address',
      '  mail[1:3]: { address: 10.0.0.1 }\n',
      '',
      '3 hosts cannot have one address; give it a range of 3, too, or leave it out',
    ],
    [
      'with fewer addresses',
      '  mail[1:3]: { address: "10.0.0.[1:2]" }\n',
      '',
      'this range has 2 addresses for 3 hosts',
    ],
    [
      'of addresses for one host',
      '  m: { address: "10.0.0.[1:2]" }\n',
      '',
      'this range has 2 addresses for 1 host',
    ],
    [
      'in a group that reaches beyond',
      '  mail[1:3]:\n',
      'groups: { g: { hosts: ["mail[2:4]"] } }\n',
      'there is no host "mail4" below hosts',
    ],
  ])('is a mistake with its place: %s', async (_, hosts, groups, said) =>
    expect(await mistakes(hosts, groups)).toContain(said),
  );

  it('is told once of a misspelt variable, not once a host', async () => {
    const said = await mistakes('  mail[1:50]: { vars: { x: 1 }, prot: 5 }\n');
    expect(said.split('unknown key').length - 1).toBe(1);
  });

  it('is a mistake in --limit where one of it does not exist', async () =>
    expect(await mistakes('  mail[1:3]:\n', '', { limit: 'mail[2:4]' })).toContain(
      '--limit: no host or group is called "mail4"',
    ));
});
