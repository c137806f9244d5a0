import type { CommonOptions } from './options.ts';
import { Session } from './session.ts';

/** Lists the runs that each host remembers. */
export async function log(inventory: string | undefined, options: CommonOptions): Promise<number> {
  const session = await Session.open('log', inventory, { ...options, need: 'hosts' });
  try {
    return session.finish(await session.each((host) => host.log()));
  } finally {
    await session.close();
  }
}
