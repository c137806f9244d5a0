/** What a write expects to find: the plan was made from it, and anything else stops the step. */
export type Expected =
  | { readonly state: 'absent' }
  | { readonly state: 'file'; readonly sha256: string; readonly content?: Buffer };

/** Writes one whole file, atomically. Attributes that are not named are kept (or root's defaults for a new file). */
export interface WriteFile {
  readonly kind: 'write-file';
  /** Absolute, symlinks resolved. */
  readonly path: string;
  readonly before: Expected;
  readonly content: Buffer;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
  /** Checks the new file, whose temporary path is in `$1`, before it is moved into place. */
  readonly validate?: string;
  /** Content that must not be shown. */
  readonly sensitive?: boolean;
  /** It gives back what stood there before harden, which is then no longer noted. */
  readonly restores?: boolean;
}

export interface SetAttributes {
  readonly kind: 'set-attributes';
  readonly path: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
  /** What is changed, for people: `mode 0644 → 0600`. */
  readonly summary: string;
  /** As for a file that is written. */
  readonly restores?: boolean;
}

/** Puts back exactly what an earlier run kept of a file: content, owner, mode, times and extended attributes. */
export interface RestoreFile {
  readonly kind: 'restore-file';
  /** Absolute, symlinks resolved. */
  readonly path: string;
  readonly before: Expected;
  /** Where that run's copy lies on the host. */
  readonly copy: string;
  /** For the diff; undefined if it is too large, or sensitive. */
  readonly content?: Buffer;
  /** Content that must not be shown, now or by a later rollback. */
  readonly sensitive?: boolean;
}

/** Takes away a file that harden made, if it still is the one that was seen. */
export interface RemoveFile {
  readonly kind: 'remove-file';
  /** Absolute, symlinks resolved. */
  readonly path: string;
  readonly sha256: string;
  /** For the diff; undefined if it is sensitive. */
  readonly content?: Buffer;
  readonly sensitive?: boolean;
}

export interface MakeDirectory {
  readonly kind: 'make-directory';
  readonly path: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
}

/** Takes away an empty directory that harden made. */
export interface RemoveDirectory {
  readonly kind: 'remove-directory';
  readonly path: string;
}

export interface InstallPackages {
  readonly kind: 'install-packages';
  readonly names: readonly string[];
}

/** Purges packages that harden installed, and what was installed with them and nothing else needs. */
export interface RemovePackages {
  readonly kind: 'remove-packages';
  readonly names: readonly string[];
}

/** One `systemctl` action, after systemd has read unit files that changed. */
export interface ControlUnit {
  readonly kind: 'control-unit';
  readonly unit: string;
  readonly action:
    | 'start'
    | 'restart'
    | 'reload-or-restart'
    | 'enable'
    | 'disable'
    | 'unmask'
    | 'mask'
    | 'stop';
  /** Files that it takes over by this, symlinks resolved. */
  readonly reads?: readonly string[];
  /** It brings back how the unit was before harden, which is then no longer noted. */
  readonly restores?: boolean;
  /** It starts, if it can: a run may have found files with which it could not. That is told, and ends nothing; but for a door. */
  readonly lenient?: boolean;
}

/** What the host puts to undo a guarded command, of which nobody knows what else it did: `the host puts …`. */
export const PUT_BACK =
  'firewall rules, links, addresses and routes back, and what else the command did stands';

/** A command of the user's own. */
export interface RunCommand {
  readonly kind: 'run-command';
  readonly command: string;
  /** Its author says that it could cut the operator off. */
  readonly guarded?: boolean;
  /** A file that does not exist and says, once it does, that the command has done its work. */
  readonly mark?: string;
}

/** Loads rules of one family in one transaction of the kernel. */
export interface LoadRules {
  readonly kind: 'load-rules';
  readonly family: 'ipv4' | 'ipv6';
  /** The chain of ours that is filled. */
  readonly chain: string;
  /** Input for `iptables-restore --noflush`: all or nothing. */
  readonly batch: string;
  /** Rules of INPUT that go in the same transaction, as `iptables-save` prints them. */
  readonly replaces: readonly string[];
  /** Brings back the chain and the jumps that stood before, likewise as one transaction; used by the host itself if nobody confirms. */
  readonly undo: string;
  /** The same, where `replaces` were taken away. */
  readonly undoReplaced: string;
  /** Our rules as they are and as they shall be, one a line, for the diff. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** `recent` lists from which the operator's own stamps are removed before the change is confirmed. */
  readonly lists: readonly string[];
}

/** Takes the chain of ours and the jumps to it out of one family, in every back end. */
export interface RemoveRules {
  readonly kind: 'remove-rules';
  readonly family: 'ipv4' | 'ipv6';
  readonly chain: string;
  /** What goes, one rule a line, for the diff. */
  readonly before: readonly string[];
}

/**
 * Makes the running fail2ban match its files: checks the configuration, reloads (bans are kept) or starts it,
 * and compares the jails that then run with `jails`. Several of them in one run become one, after all files.
 */
export interface SyncFail2ban {
  readonly kind: 'sync-fail2ban';
  /** Jails that must run afterwards. */
  readonly jails: readonly string[];
  /** Jails that may be gone afterwards; if there are any, every other one that ran must run again. */
  readonly gone?: readonly string[];
  /** Filter files whose regexes must compile. */
  readonly filters: readonly string[];
  /** Jails with what no reload mends, such as bans that the kernel lost: they are restarted, and keep their bans. */
  readonly restart: readonly string[];
  /** The files stay although the server cannot take them over: it goes on with what it runs. */
  readonly lenient?: boolean;
  /** What is asked of the server itself, whether or not a jail asks for it. */
  readonly server?: 'start' | 'reload-or-restart' | 'restart' | undefined;
}

/** Plain data: the same value is shown as a diff, compiled to shell, and judged by the second observation. */
export type Change =
  | WriteFile
  | RestoreFile
  | SetAttributes
  | MakeDirectory
  | RemoveFile
  | RemoveDirectory
  | InstallPackages
  | RemovePackages
  | ControlUnit
  | RunCommand
  | LoadRules
  | RemoveRules
  | SyncFail2ban;
