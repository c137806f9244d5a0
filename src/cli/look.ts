import type { CommonOptions } from './options.ts';
import { Session, type SessionOptions } from './session.ts';

/** `check`, `diff`, `verify` and the dry run of `rollback` look at hosts and change nothing; they differ in what they show and ask. */
export async function look(
  command: 'check' | 'diff' | 'verify' | 'rollback',
  inventory: string | undefined,
  options: CommonOptions & SessionOptions,
): Promise<number> {
  const session = await Session.open(command, inventory, options);
  try {
    const results = await session.each(async (host) => {
      const result = await host.check(command === 'verify');
      await host.close();
      return result;
    });
    return session.finish(results, { diff: command === 'diff' || command === 'rollback' });
  } finally {
    await session.close();
  }
}
