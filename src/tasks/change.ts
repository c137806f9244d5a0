/** What a write expects to find: the plan was made from it, and anything else stops the step. */
export type Before =
  | { readonly state: 'absent' }
  | { readonly state: 'file'; readonly sha256: string; readonly content?: Buffer };

/** Writes one whole file, atomically. Attributes that are not named are kept (or root's defaults for a new file). */
export interface WriteFile {
  readonly kind: 'write-file';
  /** Absolute, symlinks resolved. */
  readonly path: string;
  readonly before: Before;
  readonly content: Buffer;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
  /** Checks the new file, whose temporary path is in `$1`, before it is moved into place. */
  readonly validate?: string;
  /** Content that must not be shown. */
  readonly sensitive?: boolean;
}

export interface SetAttributes {
  readonly kind: 'set-attributes';
  readonly path: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
  /** What is changed, for people: `mode 0644 → 0600`. */
  readonly summary: string;
}

export interface MakeDirectory {
  readonly kind: 'make-directory';
  readonly path: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
}

export interface InstallPackages {
  readonly kind: 'install-packages';
  readonly names: readonly string[];
}

/** One `systemctl` action, after systemd has read unit files that changed. */
export interface ControlUnit {
  readonly kind: 'control-unit';
  readonly unit: string;
  readonly action: 'start' | 'restart' | 'reload-or-restart' | 'enable' | 'disable' | 'unmask';
}

/** A command of the user's own. */
export interface RunCommand {
  readonly kind: 'run-command';
  readonly command: string;
}

/** Loads rules of one family in one transaction of the kernel. */
export interface LoadRules {
  readonly kind: 'load-rules';
  readonly family: 'ipv4' | 'ipv6';
  /** The chain of ours that is filled. */
  readonly chain: string;
  /** Input for `iptables-restore --noflush`: all or nothing. */
  readonly batch: string;
  /** Brings back the chain and the jumps that stood before, likewise as one transaction; used by the host itself if nobody confirms. */
  readonly undo: string;
  /** Our rules as they are and as they shall be, one a line, for the diff. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** `recent` lists from which the operator's own stamps are removed before the change is confirmed. */
  readonly lists: readonly string[];
}

/**
 * Makes the running fail2ban match its files: checks the configuration, reloads (bans are kept) or starts it,
 * and compares the jails that then run with `jails`. Several of them in one run become one, after all files.
 */
export interface SyncFail2ban {
  readonly kind: 'sync-fail2ban';
  /** Jails that must run afterwards. */
  readonly jails: readonly string[];
  /** Filter files whose regexes must compile. */
  readonly filters: readonly string[];
  /** Jails with what no reload mends, such as bans that the kernel lost: they are restarted, and keep their bans. */
  readonly restart: readonly string[];
  /** What is asked of the server itself, whether or not a jail asks for it. */
  readonly server?: 'start' | 'reload-or-restart' | 'restart' | undefined;
}

/** Plain data: the same value is shown as a diff, compiled to shell, and judged by the second observation. */
export type Change =
  | WriteFile
  | SetAttributes
  | MakeDirectory
  | InstallPackages
  | ControlUnit
  | RunCommand
  | LoadRules
  | SyncFail2ban;
