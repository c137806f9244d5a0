import type { FileState } from '../../probes/file.ts';
import type { James } from '../../probes/james.ts';
import type { Observed } from '../../probes/probe.ts';
import { proxiedServers, serverFile } from '../common/james-proxy.ts';
import { blocked, type Obstacle, unseen } from '../common/verdicts.ts';
import { isSince310 } from './james.ts';

/**
 * What a proxy in front of James's SMTP server makes of a jail that reads its log. James writes `[ip=…]` of the
 * connection, which is the proxy's, and only at the end of an AUTH line the address that the proxy named (seen with 3.8.1).
 */
export function behindProxy(
  home: string,
  file: Observed<FileState>,
  james: Observed<James>,
): { readonly notes: readonly string[] } | Obstacle {
  const servers = proxiedServers(serverFile(home, 'smtp'), 'smtp', file);
  if ('verdict' in servers) return servers;
  const remote = servers.find(({ local }) => !local);
  if (remote) {
    return blocked(
      `${remote.place} sets proxyRequired: James logs guessed recipients with the proxy's address, so a ban would shut out everybody behind it; failed logins carry whatever address is named to James, and a ban of that closes nothing here, where only the proxy connects. Ban at the proxy, and take this jail out (enabled: false); if the proxy runs on this host, let James listen on 127.0.0.1 only`,
    );
  }
  const [local] = servers;
  if (!local) return { notes: [] };
  if (james.state === 'unreadable') return unseen(home, james);
  if (james.state === 'present' && isSince310(james.value.version)) {
    return blocked(
      `${local.place} sets proxyRequired: this version of James (${james.value.version}) logs failed logins with the proxy's address only, so nobody would be banned`,
    );
  }
  return {
    notes: [
      `${local.place} sets proxyRequired: guessed recipients are logged with the address of the proxy on this host, which is spared; failed logins count for the client that the proxy names.`,
    ],
  };
}
