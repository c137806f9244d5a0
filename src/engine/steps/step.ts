import type { Sh } from '../../shell/quote.ts';

/** When a step of a wave runs. */
export type Phase =
  /** Cannot cut the operator off. */
  | 'plain'
  /** Keeps what the guard may have to bring back. */
  | 'keep'
  /** Can: undone by the host itself unless a new login confirms it. */
  | 'guarded'
  /** Makes last what has been confirmed. */
  | 'confirmed'
  /** Once, after everything else: running servers take over their new files. */
  | 'settle';

/** One step of the job on the host. */
export interface Step {
  readonly phase: Phase;
  /** Tasks that stand or fall with it. */
  readonly tasks: readonly string[];
  /** For progress and errors: `write /etc/x`. */
  readonly title: string;
  /** Runs under `set -e` in a subshell; says on standard error why it failed. */
  readonly code: Sh;
}
