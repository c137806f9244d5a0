import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { getLanguageService } from 'yaml-language-server';
import { schemaFor } from '../../src/playbook/schema.ts';
import { taskTypes } from '../../src/tasks/registry.ts';
import { repository } from '../repository.ts';

type Kind = 'inventory' | 'playbook';

/** What editors run: the YAML language server with the schema that `harden schema` prints. */
function editor(kind: Kind) {
  const service = getLanguageService({
    schemaRequestService: (uri) => Promise.reject(new Error(`${uri} must not be fetched`)),
    workspaceContext: { resolveRelativePath: (path) => path },
  });
  const schema = JSON.parse(JSON.stringify(schemaFor(kind, taskTypes)));
  service.configure({
    validate: true,
    hover: true,
    completion: true,
    schemas: [{ fileMatch: ['*.yaml'], uri: `file:///${kind}.schema.json`, schema }],
  });
  return service;
}
let opened = 0;
// the server remembers a file by its name
const open = (text: string) => TextDocument.create(`file:///${++opened}.yaml`, 'yaml', 1, text);
/** Behind the first occurrence of a part. */
const placeIn = (text: string, part: string) => open(text).positionAt(text.indexOf(part) + part.length);

/** The lines, from 1, that the editor underlines. */
async function underlined(kind: Kind, text: string): Promise<number[]> {
  const found = await editor(kind).doValidation(open(text), false);
  return [...new Set(found.map(({ range }) => range.start.line + 1))];
}

const task = (body: string) => `name: p\ntasks:\n  - id: a\n    name: A\n    ${body}\n`;

describe('in an editor', () => {
  it.each<[Kind, string]>([
    ['playbook', 'playbooks/james-fail2ban.yaml'],
    ['inventory', 'inventory/example.yaml'],
  ])('the shipped %s has nothing underlined', async (kind, path) => {
    // the example names a schema file beside it, which only its user makes
    const text = readFileSync(join(repository, path), 'utf8').replace(/^# yaml-language-server:.*$/m, '#');
    expect(await editor(kind).doValidation(open(text), false)).toEqual([]);
  });

  it.each<[string, Kind, string]>([
    ['a range of hosts', 'inventory', 'hosts:\n  mail[001:300]: { address: "10.0.0.[1:300]" }\n'],
    ['a host without settings', 'inventory', 'playbook: [a.yaml, b.yaml]\nhosts:\n  a:\n'],
    [
      'a variable in place of a number',
      'playbook',
      task('fail2ban_jail: { name: sshd, bantime: 1h, findtime: 1h, maxretry: "{{ n }}" }'),
    ],
  ])('%s is fine', async (_, kind, text) => expect(await underlined(kind, text)).toEqual([]));

  it.each<[string, Kind, string, number]>([
    ['a misspelt key', 'inventory', 'hosts:\n  a:\n    adress: x\n', 3],
    ['a port that is none', 'inventory', 'hosts:\n  a:\n    port: 99999\n', 3],
    ['a text for a number', 'inventory', 'hosts:\n  a:\n    port: ssh\n', 3],
    ['a group without hosts', 'inventory', 'groups:\n  g: {}\nhosts: { a: }\n', 2],
    ['a host that cannot be one', 'inventory', 'hosts:\n  "-rf": {}\n', 2],
    ['no hosts', 'inventory', 'playbook: a.yaml\n', 1],
    ['a misspelt parameter', 'playbook', task('package: { nam: x }'), 5],
    ['no tasks', 'playbook', 'name: p\n', 1],
  ])('%s is underlined where it stands', async (_, kind, text, line) =>
    expect(await underlined(kind, text)).toContain(line),
  );

  it('the types of tasks and their parameters are offered', async () => {
    const empty = task('');
    const types = await editor('playbook').doComplete(open(empty), placeIn(empty, 'name: A\n    '), false);
    expect(types.items.map(({ label }) => label)).toEqual(expect.arrayContaining([...taskTypes.keys()]));
    const jail = task('fail2ban_jail:\n      ');
    const parameters = await editor('playbook').doComplete(
      open(jail),
      placeIn(jail, 'fail2ban_jail:\n      '),
      false,
    );
    expect(parameters.items.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['bantime', 'findtime', 'maxretry', 'logpath', 'state']),
    );
  });

  it('what a key means is shown', async () => {
    const text = 'hosts:\n  a:\n    jump: b\n';
    const hover = await editor('inventory').doHover(open(text), placeIn(text, 'ju'));
    expect(JSON.stringify(hover?.contents)).toContain('A host to connect through');
  });
});
