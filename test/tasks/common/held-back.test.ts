import { expect, it } from 'vitest';
import type { Held } from '../../../src/probes/place.ts';
import type { Change } from '../../../src/tasks/change.ts';
import { heldBack } from '../../../src/tasks/common/held-back.ts';

const path = '/etc/x/y';
const changes = {
  write: { kind: 'write-file', path, before: { state: 'absent' }, content: Buffer.from('') },
  restore: { kind: 'restore-file', path, before: { state: 'absent' }, copy: '/c' },
  remove: { kind: 'remove-file', path, sha256: '' },
  folder: { kind: 'make-directory', path },
  'no folder': { kind: 'remove-directory', path },
  attributes: { kind: 'set-attributes', path, summary: '' },
  service: { kind: 'control-unit', unit: 'x.service', action: 'start' },
} as const satisfies Readonly<Record<string, Change>>;

const MOUNT = /^\/etc\/x\/y is a mount of its own/;
const ITSELF = /^\/etc\/x\/y takes no change/;
const FOLDER = /^\/etc\/x takes no change/;

it.each<[keyof typeof changes, Held | undefined, RegExp | undefined]>([
  ...(['write', 'restore', 'remove', 'folder', 'no folder'] as const).flatMap(
    (kind): [keyof typeof changes, Held | undefined, RegExp | undefined][] => [
      [kind, 'mount', MOUNT],
      [kind, 'itself', ITSELF],
      [kind, 'folder', FOLDER],
      [kind, undefined, undefined],
    ],
  ),
  ['attributes', 'mount', undefined],
  ['attributes', 'itself', ITSELF],
  ['attributes', 'folder', undefined],
  ['service', 'mount', undefined],
])('%s, held by %s', (kind, held, why) => {
  const said = heldBack([changes.service, changes[kind]], () => held);
  if (why === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(why);
});
