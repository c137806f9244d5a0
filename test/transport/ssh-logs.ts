import { type Circumstances, loginFailure, type SshLog } from '../../src/transport/openssh-log.ts';
import type { Waypoint } from '../../src/transport/route.ts';
import type { SshSettings } from '../../src/transport/ssh-config.ts';
import { settings } from './settings.ts';

// What OpenSSH 9.2 writes with -v.
export const version = 'OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.19 27 Jan 2026';
export const connected = `${version}
debug1: Connecting to 203.0.113.10 [203.0.113.10] port 22.
debug1: Connection established.`;
export const proxied = `${version}\ndebug1: Executing proxy command: exec sh /t/hop0`;
export const greeting = 'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1';
export const keyShown = `${greeting}
debug1: kex: host key algorithm: ssh-ed25519
debug1: Server host key: ssh-ed25519 SHA256:AAzfI+i/Fkr8NJDgjkUpRN07DbLDhviM9SXs4xGUiFI`;
export const kex = `${keyShown}
debug1: SSH2_MSG_NEWKEYS received`;
export const offering = (key = '/k/id ED25519 SHA256:ZozR60 explicit') =>
  `debug1: Offering public key: ${key}`;
export const refusedKey = 'debug1: Authentications that can continue: publickey';
export const noMore = 'debug1: No more authentication methods to try.';
export const denied = 'deploy@203.0.113.10: Permission denied (publickey).';
export const authenticated = 'Authenticated to 203.0.113.1 ([203.0.113.1]:22) using "publickey".';
export const closed = `kex_exchange_identification: Connection closed by remote host
Connection closed by 203.0.113.10 port 22`;
export const closedProxy = `kex_exchange_identification: Connection closed by remote host
Connection closed by UNKNOWN port 65535`;
export const silent = `Connection timed out during banner exchange
Connection to UNKNOWN port 65535 timed out`;
export const banner = (text: string) => `@${'@'.repeat(58)}\n@    WARNING: ${text}     @\n@${'@'.repeat(58)}`;
export const changed = (at: string) => `${banner('REMOTE HOST IDENTIFICATION HAS CHANGED!')}
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Add correct host key in ${at.replace(/:\d+$/, '')} to get rid of this message.
Offending ED25519 key in ${at}
Host key for 203.0.113.10 has changed and you have requested strict checking.
Host key verification failed.`;
export const unknown = `No ED25519 host key is known for 203.0.113.10 and you have requested strict checking.
Host key verification failed.`;

export const web1: Waypoint = {
  where: { name: 'web1', address: '203.0.113.10', port: 22 },
  asked: { address: 'web1' },
  settings,
};
export const hop = (name: string): Waypoint => ({
  where: { name: 'web1', address: '203.0.113.1', port: 22, hop: name },
  asked: { address: name },
  settings: { ...settings, user: 'jump' },
});

export const lines = (...parts: readonly string[]) => `${parts.join('\n')}\n`;
export function fail(logs: readonly SshLog[], circumstances: Partial<Circumstances> = {}) {
  return loginFailure(logs, { said: '', seconds: 10, late: false, ...circumstances });
}
export const direct = (
  log: string,
  {
    settings: special = {},
    ...circumstances
  }: Partial<Circumstances> & { settings?: Partial<SshSettings> } = {},
) => fail([{ waypoint: { ...web1, settings: { ...settings, ...special } }, log }], circumstances);
export const jumped = (first: string, log: string, circumstances: Partial<Circumstances> = {}) =>
  fail(
    [
      { waypoint: hop('bastion'), log: first },
      { waypoint: web1, log },
    ],
    circumstances,
  );
