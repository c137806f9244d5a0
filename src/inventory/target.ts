import type { Target } from '../transport/transport.ts';
import type { Inventory } from './schema.ts';

/** How to reach one host of the inventory. */
export function target(name: string, inventory: Inventory): Target {
  const {
    address,
    port,
    user,
    identity_file: identityFile,
    host_key: hostKey,
    jump,
    become = true,
    connection = 'ssh',
  } = inventory.hosts[name] ?? {};
  return {
    name,
    connection,
    address: address ?? name,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(identityFile === undefined ? {} : { identityFile }),
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(jump === undefined ? {} : { jump }),
    become,
  };
}
