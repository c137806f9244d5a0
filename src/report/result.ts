/** The result record of docs/output.md: plain data, the same for people and programs. */
export type TaskStatus =
  | 'ok'
  | 'drift'
  | 'changed'
  | 'unknown'
  | 'blocked'
  | 'failed'
  | 'rolled-back'
  | 'skipped';

export type HostStatus = 'ok' | 'drift' | 'changed' | 'failed' | 'unreachable' | 'rolled-back' | 'locked';

export interface ChangeResult {
  /** `file`, `attributes`, `directory`, `packages`, `unit`, `command`, `rules`, `fail2ban`. */
  readonly kind: string;
  readonly path?: string;
  /** What it does, in a few words. */
  readonly summary: string;
  /** Unified diff; left out where there is no text to compare, or it must not be shown. */
  readonly diff?: string;
}

export interface TaskResult {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly status: TaskStatus;
  readonly reason: string;
  readonly source: string;
  readonly notes: readonly string[];
  readonly changes: readonly ChangeResult[];
}

/** A run as a host remembers it. */
export interface RunEntry {
  readonly id: string;
  /** When it began, by the host's clock: ISO 8601. */
  readonly began: string;
  /** `ann@laptop`; '' if an older version began it. */
  readonly who: string;
  readonly command: string;
  /**
   * `done`: all that was begun came to its end; `failed`: a step did; `interrupted`: by the operator; `rolled back`: the host undid
   * what nobody had confirmed; `cut off`: it did not come to its end, as where the host was restarted.
   */
  readonly state: 'done' | 'failed' | 'interrupted' | 'rolled back' | 'cut off' | 'at work';
  /** Changes to files, units and packages that it made. */
  readonly changes: number;
  /** How many of them the host undid. */
  readonly undone: number;
  /** The tasks that it applied. */
  readonly tasks: readonly string[];
  /** Those of them that took away (`state: absent`). */
  readonly removed: readonly string[];
  /** Tasks with a step that failed. */
  readonly failed: readonly string[];
  /** Tasks that nobody confirmed: the host undid what it had done of them. */
  readonly unconfirmed: readonly string[];
}

export interface HostResult {
  readonly name: string;
  readonly address: string;
  readonly status: HostStatus;
  /** Why the host as a whole has that status, where no task says it. */
  readonly reason?: string;
  /** What the user should know of the host beside its tasks. */
  readonly notes?: readonly string[];
  /** Of `log`: the oldest first. */
  readonly runs?: readonly RunEntry[];
  /** Execs on the host. */
  readonly roundTrips: number;
  readonly connections: number;
  readonly durationMs: number;
  readonly tasks: readonly TaskResult[];
}

/** Commands on hosts, which have a result. */
const COMMANDS = ['check', 'diff', 'apply', 'verify', 'rollback', 'log', 'doctor'] as const;
export type CommandName = (typeof COMMANDS)[number];

export const isCommand = (name: string | undefined): name is CommandName =>
  COMMANDS.some((command) => command === name);

export interface RunResult {
  readonly format: 'harden.result/1';
  readonly version: string;
  readonly command: CommandName;
  readonly exitCode: number;
  readonly summary: Summary;
  readonly hosts: readonly HostResult[];
  /** Mistakes in the files, where there are any: then no host was contacted. */
  readonly problems?: readonly ProblemResult[];
}

/** A mistake in a file, with its place, from 1; `file` may also be a flag, or `command line`. */
export interface ProblemResult {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly hint?: string;
}

export interface Summary {
  readonly hosts: number;
  readonly ok: number;
  readonly drift: number;
  readonly changed: number;
  readonly failed: number;
  readonly unreachable: number;
  readonly rolledBack: number;
  readonly locked: number;
  readonly notRun: number;
}

export function summarize(hosts: readonly HostResult[], notRun = 0): Summary {
  const count = (status: HostStatus) => hosts.filter((host) => host.status === status).length;
  return {
    hosts: hosts.length + notRun,
    ok: count('ok'),
    drift: count('drift'),
    changed: count('changed'),
    failed: count('failed'),
    unreachable: count('unreachable'),
    rolledBack: count('rolled-back'),
    locked: count('locked'),
    notRun,
  };
}

/** Exit codes, the strongest first. */
const PRECEDENCE = [130, 70, 1, 3, 4, 75, 2, 0] as const;
export type ExitCode = (typeof PRECEDENCE)[number];

const EXIT_CODES: Readonly<Record<HostStatus, ExitCode>> = {
  ok: 0,
  drift: 2,
  changed: 0,
  failed: 3,
  unreachable: 3,
  'rolled-back': 4,
  locked: 75,
};

/** The exit code of a run; `detailed`: a run that changed something says so with 2; `declined`: nobody agreed to it. */
export function exitCode(
  hosts: readonly HostResult[],
  options: { detailed?: boolean; declined?: boolean; interrupted?: boolean } = {},
): ExitCode {
  const codes: ExitCode[] = hosts.map(({ status }) =>
    options.detailed && status === 'changed' ? 2 : EXIT_CODES[status],
  );
  if (options.interrupted) codes.push(130);
  if (options.declined) codes.push(1);
  return PRECEDENCE.find((code) => codes.includes(code)) ?? 0;
}
