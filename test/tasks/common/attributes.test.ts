import { expect, it } from 'vitest';
import { type Attributes, attributeDrift, ownership } from '../../../src/tasks/common/attributes.ts';
import { fileState } from '../context.ts';

const STATE = fileState({ realPath: '/etc/x', mode: '0644', owner: 'root', group: 'mail' });

it.each<[Attributes, object | undefined]>([
  [{}, undefined],
  [{ mode: '0644', owner: 'root', group: 'mail' }, undefined],
  [{ mode: '0600' }, { mode: '0600', summary: 'mode is 0644, wanted 0600' }],
  [
    { mode: '0644', owner: 'james', group: 'root' },
    { owner: 'james', group: 'root', summary: 'owner is root, wanted james, group is mail, wanted root' },
  ],
])('of a file that shall have %j: %j', (wanted, change) =>
  expect(attributeDrift(STATE, wanted)).toEqual(
    change && { kind: 'set-attributes', path: '/etc/x', ...change },
  ),
);

it('only what was asked for is owned', () =>
  expect(ownership({ mode: '0600', owner: '' })).toEqual({ mode: '0600' }));
