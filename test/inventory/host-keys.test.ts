import { expect, it } from 'vitest';
import { SourceDocument } from '../../src/document/document.ts';
import { violations } from '../../src/document/validate.ts';
import { brokenHostKeys } from '../../src/inventory/host-keys.ts';
import { Inventory } from '../../src/inventory/schema.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrmE1nd7JotQEXTg+wXolvYQ6sB4glVLvzeMR8dZCxJ';

it.each<[string, string[]]>([
  [KEY, []],
  [`${KEY} root@mail1`, []],
  [KEY.slice(0, -4), [expect.stringMatching(/^"ssh-ed25519 AAAA.* is no whole public key$/)]],
  [`${KEY}AAAA`, [expect.stringMatching(/is no whole public key$/)]],
  // what does not even look like a key is told once
  [KEY.replace('25519', '25518'), [expect.stringMatching(/is not allowed here/)]],
])('a pinned key %j is told of as %j', async (key, said) => {
  const text = `hosts: { a: {}, b: , c: { host_key: ${key} } }`;
  const document = SourceDocument.parse('/i.yaml', 'i.yaml', text);
  const problems = await brokenHostKeys(document);
  const column = text.indexOf(key) + 1;
  expect(problems).toEqual(problems.map(() => expect.objectContaining({ line: 1, column })));
  const all = [...violations(Inventory, document.value), ...problems];
  expect(all.map(({ message }) => message)).toEqual(said);
});

it('without hosts there is none', async () => {
  for (const text of ['[]', 'hosts: 7', 'hosts: [a]', 'hosts: { a: x }'])
    expect(await brokenHostKeys(SourceDocument.parse('/i.yaml', 'i.yaml', text))).toEqual([]);
});
