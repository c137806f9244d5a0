import { confirm } from './ask.ts';
import { type CommonOptions, UsageError } from './options.ts';
import { Session, type SessionOptions } from './session.ts';

export interface ApplyOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly confirmTimeout: number;
  readonly detailedExitcode?: boolean;
}

/** Makes the hosts as the playbook declares them. */
export async function apply(inventory: string | undefined, options: ApplyOptions): Promise<number> {
  return applyPlan('apply', inventory, options);
}

/** Shows the plan, asks, applies it, and proves that the hosts are then as declared. */
export async function applyPlan(
  command: 'apply' | 'rollback',
  inventory: string | undefined,
  options: ApplyOptions & SessionOptions,
): Promise<number> {
  const asks = !options.yes;
  if (asks && !process.stdin.isTTY) {
    throw new UsageError(
      `${command} asks before it changes anything, and there is no terminal to ask on: look at harden ${command === 'apply' ? 'diff' : 'rollback --dry-run'}, then give --yes`,
    );
  }
  const session = await Session.open(command, inventory, { ...options, asks, changing: true });
  try {
    const checked = await session.each((host) => host.prepare());
    const pending = session.hosts.filter((host) => host.pending);
    if (session.interrupted || pending.length === 0) return session.finish(checked);
    session.showPlan(checked, asks || command === 'rollback');
    const verb = command === 'apply' ? 'Apply to' : 'Roll back';
    if (
      asks &&
      !(await confirm(`${verb} ${pending.length} ${pending.length === 1 ? 'host' : 'hosts'}?`, session.stop))
    ) {
      process.stderr.write('You did not agree: the plan was not carried out.\n');
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
