import type { LoginUser } from '../../probes/login-user.ts';
import type { Reached, Target, TransportError } from '../../transport/transport.ts';
import { type Finding, notLookedAt, ok, trouble } from './finding.ts';

/** What one connection has to pass, in this order. */
export const RUNGS = ['name', 'tcp', 'host-key', 'login', 'shell', 'sudo'] as const;
export type Rung = (typeof RUNGS)[number];

/** How the one attempt to reach a host and ask it went. */
export interface Journey {
  readonly target: Pick<Target, 'connection' | 'hostKey' | 'become'>;
  /** In the order in which it happened; empty where the transport does not tell. */
  readonly reached: readonly Reached[];
  /** A script of ours ran there. */
  readonly answered: boolean;
  /** Where it ended; undefined: the host answered everything. */
  readonly error?: Pick<TransportError, 'reason' | 'message'>;
  /** What the host says of the login. */
  readonly loginUser?: LoginUser;
}

/** What is behind a journey is well, where it ended is in trouble, and of what it did not reach nothing is claimed. */
export function way(journey: Journey): Readonly<Record<Rung, Finding>> {
  const { error } = journey;
  const failed = error ? RUNGS.indexOf(failedRung(journey, error)) : RUNGS.length;
  const passed = error ? passedRungs(journey, error) : RUNGS.length;
  const finding = (rung: Rung, index: number): Finding => {
    if (error && index === failed) return trouble(error.message, HINTS[rung]);
    if (index < failed && index < passed) return well(rung, journey);
    return notLookedAt(`${RUNGS[failed]} stands in the way`);
  };
  return Object.fromEntries(RUNGS.map((rung, index) => [rung, finding(rung, index)])) as Record<
    Rung,
    Finding
  >;
}

/** What the sentence of the failure cannot know. */
const HINTS: Readonly<Partial<Record<Rung, string>>> = {
  shell:
    'Any shell will do (fish and csh too), but not nologin; and no command may be forced on this login, by ForceCommand in sshd_config or command= in authorized_keys.',
};

const last = ({ reached }: Journey) => reached.at(-1);

function failedRung(journey: Journey, error: NonNullable<Journey['error']>): Rung {
  const at = last(journey);
  const loggedIn = at?.milestone === 'logged-in' && at.hop === undefined;
  switch (error.reason) {
    case 'unresolved':
      return 'name';
    // the connection is there, and no key can be shown over it
    case 'no-common-algorithm':
    case 'host-key-unknown':
    case 'host-key-changed':
    case 'host-key-revoked':
      return 'host-key';
    case 'key-unusable':
      return 'login';
    case 'sudo-missing':
    case 'sudo-password-needed':
    case 'sudo-password-wrong':
    case 'sudo-forbidden':
      return 'sudo';
    case 'login-rejected':
      return loggedIn ? 'shell' : 'login';
    case 'refused':
    case 'timeout':
    case 'unreachable':
    case 'lost':
    case 'interrupted':
      if (journey.answered) return 'sudo';
      // sudo is what keeps a login waiting that has a shell
      if (loggedIn) return error.reason === 'timeout' ? 'sudo' : 'shell';
      return at?.milestone === 'trusted' ? 'login' : 'tcp';
  }
}

/** How many rungs, from the first, are known to be behind it. */
function passedRungs(journey: Journey, error: NonNullable<Journey['error']>): number {
  if (journey.answered || error.reason.startsWith('sudo-')) return RUNGS.indexOf('sudo');
  const at = last(journey);
  // what is known of a jump host says nothing of the host behind it
  if (!at || at.hop !== undefined) return 0;
  switch (at.milestone) {
    case 'planned': {
      const direct = journey.reached.length === 1;
      return direct && failedRung(journey, error) === 'tcp' ? RUNGS.indexOf('tcp') : 0;
    }
    case 'connected':
      return RUNGS.indexOf('host-key');
    case 'trusted':
      return RUNGS.indexOf('login');
    case 'logged-in':
      return failedRung(journey, error) === 'sudo' ? RUNGS.indexOf('sudo') : RUNGS.indexOf('shell');
  }
}

function well(rung: Rung, journey: Journey): Finding {
  const { target, loginUser } = journey;
  const local = target.connection === 'local';
  const at = last(journey);
  switch (rung) {
    case 'name':
      return ok(local ? 'this machine itself' : at ? route(journey.reached) : 'it has an address');
    case 'tcp':
      return ok(local ? 'no connection is needed' : 'it takes connections');
    case 'host-key':
      if (local) return ok('no key is needed');
      return ok(
        `it shows ${target.hostKey === undefined ? 'a key that known_hosts has' : 'the key that the inventory pins'}`,
      );
    case 'login': {
      const user = at?.user ?? loginUser?.user;
      return ok(user === undefined ? 'it lets the user in' : `it lets ${user} in`);
    }
    case 'shell':
      return ok(loginUser?.shell ? `${loginUser.shell} runs commands` : 'it runs commands');
    case 'sudo':
      if (!loginUser) return ok('the user becomes root');
      if (loginUser.root)
        return ok(loginUser.user === 'root' ? 'root itself logs in' : `${loginUser.user} becomes root`);
      return trouble(
        `scripts run as ${loginUser.user}, who is not root`,
        'Take become: false out of the inventory, or log in as root.',
      );
  }
}

/** `203.0.113.10, port 22, through bastion`. */
function route(reached: readonly Reached[]): string {
  const { address, port } = reached.at(-1)!;
  const hops = [...new Set(reached.flatMap(({ hop }) => (hop === undefined ? [] : [hop])))];
  return `${address}, port ${port}${hops.length > 0 ? `, through ${hops.join(' and ')}` : ''}`;
}
