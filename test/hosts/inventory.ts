import { join } from 'node:path';
import { stringify } from 'yaml';
import { repository } from '../repository.ts';
import type { TestHost } from './host.ts';

type Reachable = Pick<TestHost, 'name' | 'ip' | 'user' | 'keyFile' | 'hostKey'>;

export interface InventoryOptions {
  readonly vars?: object;
  /** Laid over each host's entry. */
  readonly entry?: object;
  /** The shipped one unless told. */
  readonly playbook?: string;
}

/**
 * The text of an inventory of these hosts with pinned host keys. This machine is not trusted, and logs in more often
 * than people do: its SSH limit is high unless `vars` say otherwise.
 */
export function inventoryOf(
  hosts: readonly Reachable[],
  {
    vars = {},
    entry = {},
    playbook = join(repository, 'playbooks/james-fail2ban.yaml'),
  }: InventoryOptions = {},
): string {
  return stringify({
    playbook,
    vars: { ssh_hitcount: 255, ...vars },
    hosts: Object.fromEntries(
      hosts.map((host) => [
        host.name,
        {
          address: host.ip,
          user: host.user,
          identity_file: host.keyFile,
          host_key: host.hostKey,
          ...entry,
        },
      ]),
    ),
  });
}
