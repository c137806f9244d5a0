import { describe, expect, it } from 'vitest';
import { taskTypes as realTypes } from '../../src/tasks/registry.ts';
import { INVENTORY, mistakes, playbook } from './files.ts';

const said = (files: Record<string, string>, options = {}) =>
  mistakes({ 'inventory.yaml': INVENTORY, ...files }, options);

/** Every mistake with its place, an excerpt and, where there is one, a suggestion. */
describe('mistakes in files', () => {
  it('looks like this', async () => {
    expect(await said({ 'p.yaml': playbook('thing: { bantim: 1h }') })).toBe(
      `p.yaml:5:14 unknown key "bantim"
    5 |     thing: { bantim: 1h }
      |              ^^^^^^ did you mean "bantime"?`,
    );
  });

  it.each<[string, Record<string, string>, (string | RegExp)[]]>([
    [
      'a wrong type',
      { 'p.yaml': playbook('thing: { count: many }') },
      ['p.yaml:5:21 count must be a whole number, not "many"'],
    ],
    [
      'a value out of range',
      { 'p.yaml': playbook('thing: { count: 1 }') },
      ['p.yaml:5:21 count must be at least 2, not 1'],
    ],
    [
      'a union',
      { 'p.yaml': playbook('thing: { bantime: [1] }') },
      ['bantime must be text or a whole number, not a list'],
    ],
    [
      'a row',
      { 'p.yaml': playbook('thing: { rows: [{ nam: x }] }') },
      [/unknown key "nam"[\s\S]*did you mean "name"/, '"name" is missing'],
    ],
    [
      'what the schema cannot say',
      { 'p.yaml': playbook('thing: { key: bad }') },
      ['p.yaml:5:19 key must not be bad'],
    ],
    [
      'a misspelt task type',
      { 'p.yaml': playbook('thng: {}') },
      ['unknown task type or key "thng"', 'did you mean "thing"?'],
    ],
    [
      'two task types',
      { 'p.yaml': playbook('thing: {}\n    other: {}') },
      ['exactly one task type; this one has thing and other'],
    ],
    ['no task type', { 'p.yaml': playbook('tags: []') }, ['exactly one task type; this one has none']],
    [
      'an undefined variable',
      { 'p.yaml': playbook("thing: { key: 'a {{ jams }}' }", 'vars: { james: x }\n') },
      [/p.yaml:6:22 "jams" is not defined[\s\S]*\^{10} did you mean "james"\?/],
    ],
    ['a half variable', { 'p.yaml': playbook("thing: { key: '{{ x' }") }, ['{{ has to be followed by']],
    [
      'a list inside text',
      { 'p.yaml': playbook("thing: { key: 'a{{ l }}' }", 'vars: { l: [1] }\n') },
      ['"l" is a list and cannot stand inside text'],
    ],
    [
      'two ids alike',
      { 'p.yaml': `${playbook('thing: {}')}  - id: a\n    name: B\n    thing: {}\n` },
      ['the id "a" is taken already, at p.yaml:3:5'],
    ],
    [
      'two owners',
      { 'p.yaml': `${playbook('thing: { key: k }')}  - id: b\n    name: B\n    thing: { key: k }\n` },
      ['thing k belongs to the task "a" already, at p.yaml:3:5'],
    ],
    [
      'a section of a file that is another’s as a whole',
      {
        'p.yaml': `${playbook('thing: { key: "file:/etc/x" }')}  - id: b\n    name: B\n    thing: { key: "section:/etc/x#s" }\n`,
      },
      ['section /etc/x#s belongs to the task "a" already'],
    ],
    [
      'a file that holds another’s section',
      {
        'p.yaml': `${playbook('thing: { key: "section:/etc/x#s" }')}  - id: b\n    name: B\n    thing: { key: "file:/etc/x" }\n`,
      },
      ['file /etc/x belongs to the task "a" already'],
    ],
    ['YAML that does not parse', { 'p.yaml': 'name: [\n' }, [/p.yaml:\d+:\d+ is not valid YAML/]],
    [
      'a key twice, beside other mistakes, on whichever side',
      {
        'inventory.yaml': 'playbook: p.yaml\nhosts:\n  a: {}\n  b: { prot: 2 }\n  a: { user: 7 }\n',
        'p.yaml': 'name: a\nname: b\ntask: []\n',
      },
      [
        'inventory.yaml:5:3 the key "a" stands in line 3 already',
        'inventory.yaml:4:8 unknown key "prot"',
        'p.yaml:2:1 the key "name" stands in line 1 already',
        'p.yaml:3:1 unknown key "task"',
      ],
    ],
    [
      'a name that cannot be one, and what stands below it',
      { 'inventory.yaml': 'playbook: p.yaml\nhosts: { "a b": { adress: x, port: 0 } }\n' },
      [
        'inventory.yaml:2:10 "a b" cannot be a name here',
        'inventory.yaml:2:19 unknown key "adress"',
        'inventory.yaml:2:36 must be at least 1, not 0',
      ],
    ],
    [
      'a star that is no alias',
      {
        'inventory.yaml': `playbook: p.yaml\nhosts: { a: { vars: { x: *mail } } }\n`,
        'p.yaml': playbook('thing: {}'),
      },
      [/inventory.yaml:2:26 there is no anchor &mail[\s\S]*\^{5} put the text in quotes/],
    ],
    ['an unknown tag', { 'p.yaml': 'name: !odd x\ntasks: []\n' }, ['Unresolved tag: !odd']],
    ['two documents', { 'p.yaml': 'name: a\n---\nname: b\n' }, ['a file holds one document only']],
    ['an empty file', { 'p.yaml': '' }, ['inventory.yaml:1:11 the playbook p.yaml is empty']],
    [
      'a missing playbook',
      {},
      ['inventory.yaml:1:11 the playbook p.yaml cannot be read: there is no such file'],
    ],
    [
      'a missing template',
      { 'p.yaml': playbook('thing: { template: t.txt }') },
      ['p.yaml:5:24 t.txt cannot be read: there is no such file'],
    ],
    [
      'a misspelt key of the inventory',
      { 'inventory.yaml': 'playbok: p.yaml\nhosts: { a: }\n' },
      ['unknown key "playbok"', 'did you mean "playbook"?'],
    ],
    [
      'a misspelt key of a host',
      {
        'inventory.yaml': 'playbook: p.yaml\nhosts: { a: { adress: x } }\n',
        'p.yaml': playbook('thing: {}'),
      },
      ['unknown key "adress"', 'did you mean "address"?'],
    ],
    [
      'an address like a flag',
      { 'inventory.yaml': 'playbook: p.yaml\nhosts: { a: { address: -oProxyCommand=x } }\n' },
      ['"-oProxyCommand=x" is not allowed here'],
    ],
    [
      'a group of strangers',
      {
        'inventory.yaml': 'playbook: p.yaml\ngroups: { g: { hosts: [mial] } }\nhosts: { mail: }\n',
        'p.yaml': playbook('thing: {}'),
      },
      ['there is no host "mial" below hosts', 'did you mean "mail"?'],
    ],
    [
      'a misspelt variable',
      {
        'inventory.yaml': `${INVENTORY}vars: { trustd: [] }\n`,
        'p.yaml': playbook("thing: { any: '{{ trusted }}' }", 'vars: { trusted: [] }\n'),
      },
      ['no playbook uses a variable "trustd"', 'did you mean "trusted"?'],
    ],
    ['no playbook at all', { 'inventory.yaml': 'hosts: { a: }\n' }, ['names no playbook']],
    [
      'a variable of the wrong type',
      {
        'inventory.yaml': `${INVENTORY}vars: { n: many }\n`,
        'p.yaml': playbook("thing: { count: '{{ n }}' }"),
      },
      ['p.yaml:5:21 count must be a whole number, not "many" (the value of n, set at inventory.yaml:3:12)'],
    ],
    [
      'inside the value of a variable',
      { 'p.yaml': playbook("thing: { rows: '{{ r }}' }", 'vars: { r: [{ nme: x }] }\n') },
      ['unknown key "nme"', 'set at p.yaml:2:12'],
    ],
  ])('%s', async (_, files, expected) => {
    const text = await said(files);
    for (const part of expected) {
      if (typeof part === 'string') expect(text).toContain(part);
      else expect(text).toMatch(part);
    }
  });

  it('tells all mistakes of all files at once, by place', async () => {
    const text = await said({
      'inventory.yaml': 'playbook: p.yaml\nhosts: { a: , b: }\ngroups: { g: { hosts: [c] } }\n',
      'p.yaml': playbook("thing: { count: 1, key: '{{ x }}' }\n    naem: x"),
    });
    expect(text.match(/^\S+:\d+:\d+/gm)).toEqual([
      'inventory.yaml:3:24',
      'p.yaml:5:21',
      'p.yaml:5:30',
      'p.yaml:6:5',
    ]);
  });

  it.each<[string, Record<string, string>, string[]]>([
    [
      'a misspelt key of the inventory hides nothing of the playbook',
      {
        'inventory.yaml': 'playbook: p.yaml\nhosts: { a: { prot: 22 } }\n',
        'p.yaml': playbook('thing: { count: 1 }'),
      },
      ['inventory.yaml:2:15', 'p.yaml:5:21'],
    ],
    [
      'hosts of a wrong shape',
      { 'inventory.yaml': 'playbook: p.yaml\nhosts: [a]\n', 'p.yaml': playbook('thing: { count: 1 }') },
      ['inventory.yaml:2:8', 'p.yaml:5:21'],
    ],
    [
      'variables of a wrong shape',
      { 'inventory.yaml': `${INVENTORY}vars: [a]\n`, 'p.yaml': playbook('thing: { count: 1 }') },
      ['inventory.yaml:3:7', 'p.yaml:5:21'],
    ],
    [
      'a task without a name hides nothing of its parameters, nor of other tasks',
      {
        'p.yaml': 'name: p\ntasks:\n  - id: A\n    thing: { count: 1 }\n  - id: b\n    thing: { x: }\n',
      },
      ['p.yaml:3:5', 'p.yaml:3:9', 'p.yaml:4:21', 'p.yaml:5:5', 'p.yaml:6:14'],
    ],
    [
      'an unknown key hides nothing that the schema cannot say',
      { 'p.yaml': playbook('thing: { key: bad, kye: x }') },
      ['p.yaml:5:19', 'p.yaml:5:24'],
    ],
    [
      'a wrong value hides nothing that the schema cannot say of another one, nor a file that is missing',
      { 'p.yaml': playbook('thing: { count: 1, key: bad, template: t.txt }') },
      ['p.yaml:5:21', 'p.yaml:5:29', 'p.yaml:5:44'],
    ],
    [
      'an undefined variable likewise',
      { 'p.yaml': playbook("thing: { count: '{{ x }}', key: bad }") },
      ['p.yaml:5:22', 'p.yaml:5:37'],
    ],
    [
      'what is no map of parameters has no mistakes inside',
      { 'p.yaml': playbook('thing: [bad]') },
      ['p.yaml:5:12'],
    ],
    [
      'an undefined variable hides nothing beside it, and is not called missing or of a wrong type',
      {
        'p.yaml': playbook(
          "thing: { rows: [{ name: '{{ x }}' }, { name: 1 }], count: '{{ y }}', bantime: '{{ z }}' }",
        ),
      },
      ['p.yaml:5:30', 'p.yaml:5:50', 'p.yaml:5:64', 'p.yaml:5:84'],
    ],
  ])('%s', async (_, files, places) => {
    expect((await said(files)).match(/^\S+:\d+:\d+/gm)).toEqual(places);
  });

  it.each<[string, string, string[]]>([
    [
      'a duration beside a wrong type and a missing value',
      'fail2ban_jail: { name: james, bantime: 2 fortnights, findtime: 20m, backend: sytemd, logpath: /a*b }',
      [
        'p.yaml:5:5 "maxretry" is missing',
        'p.yaml:5:44 2 fortnights is not a duration',
        'p.yaml:5:82 backend must be',
        'p.yaml:5:99 fail2ban would not take it literally',
      ],
    ],
    [
      'rows beside a wrong one, which keep their places',
      'iptables_recent: { chain: INPUT, limits: [{ name: A }, { name: B, protocol: icmp, ports: [1], seconds: 1, hitcount: 2 }, { name: B, protocol: icmp, seconds: 1, hitcount: 2 }] }',
      [
        'p.yaml:5:31 INPUT is a name',
        'p.yaml:5:47 "protocol" is missing',
        'p.yaml:5:47 "seconds" is missing',
        'p.yaml:5:47 "hitcount" is missing',
        'p.yaml:5:94 icmp has no ports',
        'p.yaml:5:134 the list B is used by limits[1] already',
        'p.yaml:5:134 the list B6 is used by limits[1] already',
      ],
    ],
    [
      'a wrong preset is all that is wrong with it',
      'fail2ban_filter: { name: james, preset: jamse, james_home: /opt/james }',
      ['p.yaml:5:45 preset must be'],
    ],
    [
      'what a command lacks',
      'command: {}',
      ['p.yaml:5:5 "run" is missing', 'p.yaml:5:14 command needs creates or unless'],
    ],
    [
      'a wrong sample',
      'fail2ban_regex: { filter: /etc/fail2ban/filter.d/james.conf, sample: 7, matched: 1 }',
      ['p.yaml:5:74 sample must be'],
    ],
  ])('of the real types: %s', async (_, task, expected) => {
    const text = await said({ 'p.yaml': playbook(task) }, { taskTypes: realTypes });
    const told = text.match(/^\S+:\d+:\d+ .*/gm) ?? [];
    expect(told.map((line, index) => line.slice(0, expected[index]?.length))).toEqual(expected);
  });

  it('lets two tasks own two sections of one file', async () => {
    const two = `${playbook('thing: { key: "section:/etc/x#a" }')}  - id: b\n    name: B\n    thing: { key: "section:/etc/x#b" }\n`;
    expect(await said({ 'p.yaml': two })).toBe('');
  });

  it('says a mistake once, however many hosts share it', async () => {
    const files = {
      'inventory.yaml': 'playbook: p.yaml\nhosts: { a: , b: , c: }\n',
      'p.yaml': playbook('thing: { count: 1 }'),
    };
    expect((await said(files)).match(/p.yaml:5/g)).toHaveLength(1);
  });

  it('shows a host-made line harmlessly, and no secret', async () => {
    const files = { 'p.yaml': playbook('thing: { password: "hunter2" } # \u001b[2J\u202e') };
    const text = await said(files);
    expect(text).not.toContain('hunter2');
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  it.each([
    [
      '--limit',
      { limit: 'mail2,!nobody' },
      ['no host or group is called "mail2"', 'no host or group is called "nobody"'],
    ],
    ['--limit that leaves nothing', { limit: '!mail1' }, ['--limit: "!mail1" leaves no host']],
    ['--tags', { tags: ['x'] }, ['--tags: no task has the tag "x"']],
    ['--task', { tasks: ['b'] }, ['--task: no task has the id "b"', 'a']],
    [
      '--var',
      { vars: { 'a-b': '1', c: '[', d: '*.log' } },
      [
        'the value of d is not valid YAML',
        '"a-b" cannot be a variable\'s name',
        'the value of c is not valid YAML',
      ],
    ],
  ])('%s', async (_, options, expected) => {
    const text = await said({ 'p.yaml': playbook('thing: {}') }, options);
    for (const part of expected) expect(text).toContain(part);
  });

  it('--var that no playbook uses, beside the inventory’s own', async () => {
    const files = { 'p.yaml': playbook("thing: { any: '{{ james }}' }", 'vars: { james: x }\n') };
    expect(await said(files, { vars: { jams: 'y', other: 'z', james: 'w' } })).toBe(
      `--var: no playbook uses a variable "jams" (did you mean "james"?)

--var: no playbook uses a variable "other" (there is: james)`,
    );
    expect(await said({}, { vars: { jams: 'y' } })).not.toContain('--var');
  });

  it('--tags and --task that nothing has both of', async () => {
    const files = { 'p.yaml': `${playbook('thing: {}')}  - { id: b, name: B, tags: [t], other: {} }\n` };
    expect(await said(files, { tags: ['t'], tasks: ['a'] })).toContain('no task has both');
  });

  it('does not let aliases blow up', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['b', 'c', 'd', 'e', 'f', 'g'].map(
        (name, index) => `${name}: &${name} [${`*${'abcdef'[index]},`.repeat(9)}]`,
      ),
    ];
    expect(
      await said({ 'p.yaml': `name: p\nvars:\n${bomb.map((line) => `  ${line}\n`).join('')}tasks: []\n` }),
    ).toContain('repeats its anchors too often');
  });
});
