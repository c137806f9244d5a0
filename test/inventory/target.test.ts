import { expect, it } from 'vitest';
import type { Inventory } from '../../src/inventory/schema.ts';
import { target } from '../../src/inventory/target.ts';

const hosts: Inventory['hosts'] = {
  bare: null,
  here: { connection: 'local' },
  full: {
    address: '2001:db8::1',
    port: 2222,
    user: 'ann',
    identity_file: '~/.ssh/mail',
    host_key: 'ssh-ed25519 AAAA',
    jump: 'bastion',
    become: false,
    vars: { x: 1 },
  },
  literal: { identity_file: '~ann/key' },
};

it.each([
  ['bare', { address: 'bare', connection: 'ssh', become: true }],
  ['here', { address: 'here', connection: 'local', become: true }],
  [
    'full',
    {
      address: '2001:db8::1',
      connection: 'ssh',
      port: 2222,
      user: 'ann',
      identityFile: '~/.ssh/mail',
      hostKey: 'ssh-ed25519 AAAA',
      jump: 'bastion',
      become: false,
    },
  ],
  ['literal', { address: 'literal', connection: 'ssh', become: true, identityFile: '~ann/key' }],
])('%s', (name, expected) => expect(target(name, { hosts })).toEqual({ name, ...expected }));
