/** What a remote script printed, as bytes. */
export interface Output {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** The script's exit status. A connection that was lost is not an exit status: it is a `TransportError`. */
  readonly code: number;
}

export interface RunOptions {
  /** Called with each piece of standard output as it comes (not necessarily whole lines or characters). */
  readonly onStdout?: (chunk: Buffer) => void;
  /** Seconds without any output after which the host is given up. */
  readonly silence?: number;
  /** Gives it up. */
  readonly signal?: AbortSignal;
  /** Asks it to end by itself: it is sent the line `stop` once it has said something, and its input stays open until then. */
  readonly stop?: AbortSignal;
}

/**
 * A way to run scripts on one host as root. `run` sends a POSIX sh script on standard input of one exec; the script
 * finds the login session's `$SSH_CONNECTION` in `$*`.
 */
export interface Transport {
  run(script: string, options?: RunOptions): Promise<Output>;
  close(): Promise<void>;
  /** TCP connections and execs so far. */
  readonly counts: { readonly connections: number; readonly execs: number };
}

/** Why a host cannot be used. Each has one sentence of its own; `reason` is for programs. */
export type TransportFailure =
  | 'unresolved'
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'no-common-algorithm'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'login-rejected'
  | 'key-unusable'
  | 'sudo-missing'
  | 'sudo-password-needed'
  | 'sudo-password-wrong'
  | 'sudo-forbidden'
  | 'lost'
  | 'interrupted';

/** What happened, on which host, what state it is in now, what to do: the message is those sentences. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly reason: TransportFailure;
  readonly host: string;
  /** Of a line that was lost: before the script was sent, so nothing of it ran. */
  readonly unsent: boolean;
  /** The jump host that it happened at; undefined: the host itself, or nobody knows. */
  readonly hop: string | undefined;
  constructor(
    reason: TransportFailure,
    host: string,
    message: string,
    options?: { cause?: unknown; unsent?: boolean; hop?: string | undefined },
  ) {
    super(message, options);
    this.reason = reason;
    this.host = host;
    this.unsent = options?.unsent ?? false;
    this.hop = options?.hop;
  }
}

/** How far a login has come on one host of the way, in this order; the target is the last one. */
export interface Reached {
  /** All is settled that can be before a packet is sent; a TCP connection; a trusted host key; a login. */
  readonly milestone: 'planned' | 'connected' | 'trusted' | 'logged-in';
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The jump host's own name, where it is one. */
  readonly hop?: string;
}

/** How to reach a host: what the inventory says. */
export interface Target {
  /** The name in the inventory. */
  readonly name: string;
  /** `openssh`: by the `ssh` of this machine, which `ssh` uses where it must. */
  readonly connection: 'ssh' | 'openssh' | 'local';
  /** As `ssh` would take it: may be an alias of `~/.ssh/config`. */
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFile?: string;
  /** `ssh-ed25519 AAAA…`: the only key accepted. */
  readonly hostKey?: string;
  readonly jump?: string;
  /** Become root with sudo (default) unless the login user is root already. */
  readonly become: boolean;
}
