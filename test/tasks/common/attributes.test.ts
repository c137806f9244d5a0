import { expect, it } from 'vitest';
import {
  type Attributes,
  attributeDrift,
  exposure,
  ownership,
  usableMode,
} from '../../../src/tasks/common/attributes.ts';
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

it.each<[string, string, object | undefined]>([
  ['0644', 'root', undefined],
  ['0600', 'root', undefined],
  ['0666', 'root', { mode: '0644', summary: 'mode is 0666, wanted 0644' }],
  ['0620', 'root', { mode: '0600', summary: 'mode is 0620, wanted 0600' }],
  ['0644', 'james', { owner: 'root', summary: 'owner is james, wanted root' }],
])('%s of %s: somebody else may write it', (mode, owner, change) =>
  expect(exposure({ ...STATE, mode, owner })).toEqual(
    change && { kind: 'set-attributes', path: '/etc/x', ...change },
  ),
);

it.each([
  ['0000', '0600'],
  ['0440', '0640'],
  ['0664', '0664'],
  ['0646', '0644'],
])('%s can be used by its owner as %s', (mode, usable) =>
  expect(usableMode({ ...STATE, mode })).toBe(usable),
);

it('only what was asked for is owned', () =>
  expect(ownership({ mode: '0600', owner: '' })).toEqual({ mode: '0600' }));
