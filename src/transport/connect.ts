import type { SshOptions } from './connection.ts';
import type { Target, Transport } from './transport.ts';

export type ConnectOptions = SshOptions;

/** Reaches a host as the inventory says. The parts are loaded only when needed. */
export async function connect(target: Target, options: ConnectOptions = {}): Promise<Transport> {
  if (target.connection === 'local') {
    const { connectLocal } = await import('./local.ts');
    return connectLocal(target, options);
  }
  const { findRoute } = await import('./route.ts');
  const route = await findRoute(target, options);
  const { needsOpenSsh } = await import('./needs-openssh.ts');
  if (await needsOpenSsh(target, route, options)) {
    const { connectOpenSsh } = await import('./openssh.ts');
    return connectOpenSsh(target, route, options);
  }
  const { connectSsh } = await import('./ssh.ts');
  return connectSsh(target, route, options);
}
