import { examine } from '../engine/doctor/examine.ts';
import type { CommonOptions } from './options.ts';
import { Session } from './session.ts';

/** Can each host be reached, trusted, logged in to and administered? */
export async function doctor(inventory: string | undefined, options: CommonOptions): Promise<number> {
  const session = await Session.open('doctor', inventory, {
    ...options,
    need: 'playbook-if-named',
  });
  try {
    return session.finish(await session.visit(examine));
  } finally {
    await session.close();
  }
}
