import { join } from 'node:path';
import { stringify } from 'yaml';
import type { TestHost } from './host.ts';
import { repository } from './repository.ts';

type Reachable = Pick<TestHost, 'name' | 'ip' | 'user' | 'keyFile' | 'hostKey'>;

/** The text of an inventory of these hosts with pinned host keys; `extra` is laid over each host's entry. */
export function inventoryOf(hosts: readonly Reachable[], vars: object = {}, extra: object = {}): string {
  return stringify({
    playbook: join(repository, 'playbooks/james-fail2ban.yaml'),
    vars,
    hosts: Object.fromEntries(
      hosts.map((host) => [
        host.name,
        {
          address: host.ip,
          user: host.user,
          identity_file: host.keyFile,
          host_key: host.hostKey,
          ...extra,
        },
      ]),
    ),
  });
}
