import type { Sh } from '../../shell/quote.ts';

/** When a step of a wave runs. */
export type Phase =
  /** Cannot cut the operator off. */
  | 'plain'
  /** From here on the host undoes by itself what no new login confirms. */
  | 'arm'
  /** Could cut the operator off. */
  | 'guarded'
  /** fail2ban takes over its files, and puts them back itself if it cannot; guarded as well. */
  | 'settle'
  /** Makes last what has been confirmed. */
  | 'confirmed';

/** One step of the job on the host. */
export interface Step {
  readonly phase: Phase;
  /** Tasks that stand or fall with it. */
  readonly tasks: readonly string[];
  /** For progress and errors: `write /etc/x`. */
  readonly title: string;
  /** Runs under `set -e` in a subshell; says on standard error why it failed. */
  readonly code: Sh;
  /** It may have done something although it failed. */
  readonly partial?: boolean;
}
