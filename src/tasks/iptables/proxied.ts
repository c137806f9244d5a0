import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import { PROTOCOLS, type Protocol, proxiedServers, serverFile } from '../common/james-proxy.ts';
import { blocked, type Obstacle } from '../common/verdicts.ts';

const NAMES = Object.keys(PROTOCOLS) as Protocol[];

/** The files that say on which ports James waits for a proxy. */
export const serverFiles = (home: string): string[] => NAMES.map((name) => serverFile(home, name));

/**
 * Why these TCP ports cannot be limited: all clients would be one source, the proxy. `files` are those of `serverFiles`.
 * A proxy on this host is none of it: clients connect to its port here, and its own connections to James are loopback.
 */
export function countsProxy(
  home: string,
  files: readonly Observed<FileState>[],
  ports: readonly number[],
): Obstacle | undefined {
  for (const [index, name] of NAMES.entries()) {
    const file = files[index];
    const servers = file ? proxiedServers(serverFile(home, name), name, file) : [];
    if ('verdict' in servers) return servers;
    for (const { place, local, ports: served } of servers) {
      const port = local ? undefined : served.find((one) => ports.includes(one));
      if (port === undefined) continue;
      return blocked(
        `${place} sets proxyRequired: connections to port ${port} come from the proxy, so a limit would count all clients as one and shut the proxy out; limit there, and take the row of that port out of the limits`,
      );
    }
  }
  return undefined;
}
