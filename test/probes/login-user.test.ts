import { expect, it } from 'vitest';
import { loginUserProbe } from '../../src/probes/login-user.ts';

it.each([
  ['user=admin\nshell=/bin/bash\nuid=0\n', { user: 'admin', shell: '/bin/bash', root: true }],
  ['user=admin\nshell=\nuid=1000\n', { user: 'admin', shell: '', root: false }],
  // nothing that could not be read makes one root
  ['', { user: '', shell: '', root: false }],
])('login user of %j', (text, value) =>
  expect(loginUserProbe.parse(Buffer.from(text), ['login-user']).get('login-user')).toEqual({
    state: 'present',
    value,
  }),
);
