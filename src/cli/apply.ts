import { confirm } from './ask.ts';
import { type CommonOptions, UsageError } from './options.ts';
import { Session } from './session.ts';

export interface ApplyOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly confirmTimeout: number;
  readonly detailedExitcode?: boolean;
}

/** Shows the plan, asks, applies it, and proves that the hosts are then as declared. */
export async function apply(inventory: string | undefined, options: ApplyOptions): Promise<number> {
  const asks = !options.yes;
  if (asks && !process.stdin.isTTY) {
    throw new UsageError(
      'apply asks before it changes anything, and there is no terminal to ask on: look at harden diff, then give --yes',
    );
  }
  const session = await Session.open('apply', inventory, options);
  try {
    const checked = await session.each((host) => host.prepare());
    const pending = session.hosts.filter((host) => host.pending);
    if (session.interrupted || pending.length === 0) return session.finish(checked);
    session.showPlan(checked, asks);
    if (asks && !(await confirm(`Apply to ${pending.length} ${pending.length === 1 ? 'host' : 'hosts'}?`))) {
      process.stderr.write('You did not agree: nothing was changed.\n');
      return session.finish(checked, { declined: true });
    }
    const applied = await session.each((host) =>
      host.pending ? host.apply() : Promise.resolve(host.result('apply')),
    );
    return session.finish(applied, { detailed: options.detailedExitcode ?? false });
  } finally {
    await session.close();
  }
}
