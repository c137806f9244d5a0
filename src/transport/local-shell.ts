import type { Shell } from 'zx';
import { quote } from '../shell/quote.ts';

/**
 * zx for commands on this machine, under /bin/sh and with our own quoting: zx's is bash's, which dash misreads.
 * Loaded only when needed.
 */
export async function localShell(env: NodeJS.ProcessEnv): Promise<Shell> {
  const { $ } = await import('zx/core');
  return $({ shell: '/bin/sh', prefix: '', postfix: '', quote, quiet: true, nothrow: true, env });
}
