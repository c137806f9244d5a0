import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { INVENTORY, load, playbook } from './files.ts';

const params = async (files: Record<string, string>, options = {}) =>
  (await load({ 'inventory.yaml': INVENTORY, ...files }, options)).hosts.map(({ tasks }) => tasks[0]?.params);

describe('loadRun', () => {
  it('makes the tasks of every host', async () => {
    const { hosts } = await load({ 'inventory.yaml': INVENTORY, 'p.yaml': playbook('thing: { key: x }') });
    expect(hosts).toHaveLength(1);
    expect(hosts[0]?.target).toEqual({ name: 'mail1', address: 'mail1', connection: 'ssh', become: true });
    expect(hosts[0]?.tasks[0]).toMatchObject({
      id: 'a',
      name: 'A',
      params: { key: 'x' },
      source: 'p.yaml:3:5',
    });
  });

  describe('where what is asked', () => {
    const named = { 'inventory.yaml': INVENTORY };
    const unnamed = { 'inventory.yaml': 'vars: { own: 1 }\nhosts: { mail1: {} }\n' };
    const count = async (files: Record<string, string>, need: 'playbook-if-named' | 'hosts') =>
      (await load(files, { need })).hosts.map(({ tasks }) => tasks.length);

    it('has nothing to do with playbooks, one that is missing or wrong is no obstacle', async () => {
      expect(await count(named, 'hosts')).toEqual([0]);
      expect(await count({ ...named, 'p.yaml': 'nonsense: [' }, 'hosts')).toEqual([0]);
      expect(await count(unnamed, 'hosts')).toEqual([0]);
    });

    it('is helped by one, none need be named, but one that is has to be right', async () => {
      expect(await count(unnamed, 'playbook-if-named')).toEqual([0]);
      expect(await count({ ...named, 'p.yaml': playbook('thing: {}') }, 'playbook-if-named')).toEqual([1]);
      await expect(count(named, 'playbook-if-named')).rejects.toThrow('cannot be read');
    });
  });

  it('gives each host its own text of a template', async () => {
    const { hosts } = await load({
      'inventory.yaml':
        'playbook: p.yaml\nhosts: { a: { vars: { fqdn: a.example } }, b: { vars: { fqdn: b.example } } }\n',
      'p.yaml': playbook('thing: { template: t.txt }'),
      't.txt': 'I am {{ fqdn }}\n',
    });
    expect(hosts.map(({ tasks }) => tasks[0]?.local.get('t.txt')?.toString())).toEqual([
      'I am a.example\n',
      'I am b.example\n',
    ]);
  });

  it('knows all a host can say of itself', async () => {
    const inventory = `playbook: p.yaml
hosts:
  h: { address: 192.0.2.1, port: 2222, user: u, identity_file: ~/k, jump: b, become: false, host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrmE1nd7JotQEXTg+wXolvYQ6sB4glVLvzeMR8dZCxJ }
`;
    const { hosts } = await load({ 'inventory.yaml': inventory, 'p.yaml': playbook('thing: {}') });
    expect(hosts[0]?.target).toMatchObject({
      address: '192.0.2.1',
      port: 2222,
      user: 'u',
      identityFile: '~/k',
      jump: 'b',
      become: false,
      hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrmE1nd7JotQEXTg+wXolvYQ6sB4glVLvzeMR8dZCxJ',
    });
  });

  it.each([
    ['playbook', {}, ['p', 'p']],
    ['inventory', { inventory: 'i' }, ['i', 'i']],
    ['group, the later listed', { inventory: 'i', first: 'f', second: 's' }, ['s', 'f']],
    ['host', { inventory: 'i', first: 'f', second: 's', host: 'h' }, ['h', 'f']],
    ['command line', { host: 'h', var: 'v' }, ['v', 'v']],
  ])('takes a variable from: %s', async (_, set: Record<string, string>, expected) => {
    const vars = (value: string | undefined) => (value ? `vars: { x: ${value} }` : 'vars: {}');
    const inventory = `playbook: p.yaml
${vars(set.inventory)}
groups:
  first: { hosts: [one, two], ${vars(set.first)} }
  second: { hosts: [one], ${vars(set.second)} }
hosts:
  one: { ${vars(set.host)} }
  two:
`;
    const files = {
      'inventory.yaml': inventory,
      'p.yaml': playbook("thing: { key: '{{ x }}' }", 'vars: { x: p }\n'),
    };
    expect((await params(files, set.var ? { vars: { x: set.var } } : {})).map((one) => one?.key)).toEqual(
      expected,
    );
  });

  it('keeps the type of a value that is nothing but a variable', async () => {
    const vars = 'vars: { n: 7, l: [a, b], m: { k: v }, t: yes }\n';
    const task = "thing: { any: ['{{ n }}', '{{l}}', '{{ m }}', '{{ m.k }}', 'n={{ n }}', '{{ t }}'] }";
    expect((await params({ 'p.yaml': playbook(task, vars) }))[0]?.any).toEqual([
      7,
      ['a', 'b'],
      { k: 'v' },
      'v',
      'n=7',
      'yes',
    ]);
  });

  it("expands once: a value that looks like a variable, and {{ '{{' }}, stay text", async () => {
    const vars = "vars: { x: '{{ y }}', y: no }\n";
    const task = `thing: { any: ['{{ x }}', 'a {{ x }}', "{{ '{{' }} x }}"] }`;
    expect((await params({ 'p.yaml': playbook(task, vars) }))[0]?.any).toEqual([
      '{{ y }}',
      'a {{ y }}',
      '{{ x }}',
    ]);
  });

  it('lets any text arrive literally', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        const task = `thing: { any: ['{{ x }}', 'a{{ x }}b'] }`;
        const [seen] = await params({ 'p.yaml': playbook(task, stringify({ vars: { x: text } })) });
        expect(seen?.any).toEqual([text, `a${text}b`]);
      }),
      { numRuns: 60 },
    );
  });

  it('expands templates beside the playbook', async () => {
    const files = {
      'inventory.yaml': INVENTORY.replace('p.yaml', 'sub/p.yaml'),
      'sub/p.yaml': playbook('thing: { template: t.txt }', 'vars: { x: "it\'s" }\n'),
      'sub/t.txt': "{{ x }} {{ '{{' }}\n",
    };
    expect((await load(files)).hosts[0]?.tasks[0]?.local.get('t.txt')?.toString()).toBe("it's {{\n");
  });

  it('takes several playbooks, and others from the command line', async () => {
    const files = {
      'inventory.yaml': 'playbook: [p.yaml, q.yaml]\nhosts: { h: }\n',
      'p.yaml': playbook('thing: {}'),
      'q.yaml': playbook('thing: {}').replace('id: a', 'id: b'),
    };
    const ids = async (options = {}) => (await load(files, options)).hosts[0]?.tasks.map(({ id }) => id);
    expect(await ids()).toEqual(['a', 'b']);
    expect(await ids({ tasks: ['b'] })).toEqual(['b']);
  });

  it('chooses hosts and tags', async () => {
    const files = {
      'inventory.yaml': 'playbook: p.yaml\ngroups: { g: { hosts: [b] } }\nhosts: { a: , b: , c: }\n',
      'p.yaml': playbook('thing: {}\n    tags: [x]'),
    };
    const names = async (limit: string) =>
      (await load(files, { limit })).hosts.map(({ target }) => target.name);
    expect(await names('g')).toEqual(['b']);
    expect(await names('!g')).toEqual(['a', 'c']);
    expect(await names('c,a')).toEqual(['a', 'c']);
    expect(await names('a*,?,!c')).toEqual(['a', 'b']);
    expect((await load(files, { tags: ['x'] })).hosts[0]?.tasks).toHaveLength(1);
  });

  it('loads hundreds of hosts at once', async () => {
    const hosts = Array.from(
      { length: 400 },
      (_, index) => `  h${index}: { vars: { n: ${index % 4} } }`,
    ).join('\n');
    const files = {
      'inventory.yaml': `playbook: p.yaml\nhosts:\n${hosts}\n`,
      'p.yaml': playbook("thing: { any: '{{ n }}' }"),
    };
    const { hosts: loaded } = await load(files);
    expect(loaded.map(({ tasks }) => tasks[0]?.params.any)).toEqual(
      Array.from({ length: 400 }, (_, index) => index % 4),
    );
    // hosts with the same values share their tasks
    expect(new Set(loaded.map(({ tasks }) => tasks[0])).size).toBe(4);
  });
});
