import type { SshOptions } from './ssh.ts';
import type { Target, Transport } from './transport.ts';

export type ConnectOptions = SshOptions;

/** Reaches a host as the inventory says. The parts are loaded only when needed. */
export async function connect(target: Target, options: ConnectOptions = {}): Promise<Transport> {
  if (target.connection === 'local') {
    const { connectLocal } = await import('./local.ts');
    return connectLocal(target, options);
  }
  const { connectSsh } = await import('./ssh.ts');
  return connectSsh(target, options);
}
