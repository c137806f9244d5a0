import type { SshSettings } from '../../src/transport/ssh-config.ts';

/** Of a host that nothing special is known of. */
export const settings: SshSettings = {
  host: '203.0.113.10',
  port: 22,
  user: 'deploy',
  identityFiles: [],
  identitiesOnly: false,
  knownHostsFiles: [],
  certificateFiles: [],
  sshOnly: [],
  fromSsh: true,
};
