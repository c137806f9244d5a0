import { expect, it } from 'vitest';
import { accountProbe } from '../../src/probes/account.ts';

it.each([
  ['user=admin\nshell=/bin/bash\nuid=0\n', { user: 'admin', shell: '/bin/bash', root: true }],
  ['user=admin\nshell=\nuid=1000\n', { user: 'admin', shell: '', root: false }],
  // nothing that could not be read makes one root
  ['', { user: '', shell: '', root: false }],
])('account of %j', (text, value) =>
  expect(accountProbe.parse(Buffer.from(text), ['account']).get('account')).toEqual({
    state: 'present',
    value,
  }),
);
