import { RUN_ID } from '../shell/records.ts';
import { rollbackTask } from '../tasks/rollback.ts';
import { type ApplyOptions, applyPlan } from './apply.ts';
import { look } from './look.ts';
import { UsageError } from './options.ts';

export interface RollbackOptions extends ApplyOptions {
  readonly run?: string;
  /** Show the plan only; stronger than `yes`. */
  readonly dryRun?: boolean;
}

/** Puts back what a run changed, as a plan with a diff; it is guarded and proven like any other. */
export async function rollback(inventory: string | undefined, options: RollbackOptions): Promise<number> {
  const { run = 'last' } = options;
  if (run !== 'last' && !(run.length === RUN_ID && /^[0-9a-f]+$/.test(run))) {
    throw new UsageError(
      `--run takes the id of a run as harden log prints it (${RUN_ID} characters), not "${run}"`,
    );
  }
  const chosen = { ...options, need: 'hosts', only: [rollbackTask(run)] } as const;
  return options.dryRun ? look('rollback', inventory, chosen) : applyPlan('rollback', inventory, chosen);
}
