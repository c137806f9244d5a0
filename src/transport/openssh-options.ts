import { join } from 'node:path';
import { sh } from '../shell/quote.ts';
import { identityFiles, type Waypoint } from './route.ts';
import type { Target } from './transport.ts';

/** What the options of every ssh of one connection depend on. */
export interface SshPlan {
  readonly target: Target;
  readonly route: readonly Waypoint[];
  /** A folder of the connection's own, closed to others. */
  readonly folder: string;
  readonly ssh: string;
  readonly seconds: number;
  readonly terminal: boolean;
  readonly acceptNew: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Instead of those that ssh would read. */
  readonly knownHostsFiles?: readonly string[] | undefined;
}

/** The files in the folder of a connection. */
export const files = {
  control: (folder: string) => join(folder, 's'),
  log: (folder: string, index: number) => join(folder, `${index}.log`),
  hop: (folder: string, index: number) => join(folder, `hop${index}`),
  pinned: (folder: string) => join(folder, 'known_hosts'),
};

/** The name that the pinned key has in a known_hosts file of its own: port and address do not matter to it. */
export const PINNED = 'pinned-in-the-inventory';

const option = (name: string, value: string) => ['-o', `${name}=${value}`];
/** A path of ours where ssh expands percent tokens. */
const literal = (path: string) => path.replaceAll('%', '%%');
/**
 * Whether every ssh can be told of a path in its configuration: `${` cannot be escaped at all, and a quote, or a backslash before
 * something that it may escape, is read in different ways by different versions.
 */
export const canBeTold = (path: string): boolean => !/["\n]|\$\{|\\(['\\]|$)/.test(path);
/** Paths as a list of words; commands, on the other hand, are taken as they are. */
const words = (paths: readonly string[]) => paths.map((path) => `"${literal(path)}"`).join(' ');

/** The master: logs in, says `ready` on standard output and lets sessions in by its control socket. */
export function masterArguments(plan: SshPlan): string[] {
  const control = literal(files.control(plan.folder));
  return [
    ...['-N', '-M', '-S', control],
    ...option('PermitLocalCommand', 'yes'),
    ...option('LocalCommand', 'echo ready'),
    ...arguments_(plan, plan.route.length - 1),
  ];
}

/** The script that leads from a jump host on to the next host on the way. Scripts, because ProxyCommands do not nest. */
export function hopScript(plan: SshPlan, index: number): string {
  const { host, port } = plan.route[index + 1]!.settings;
  const to = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return `${sh`exec ${plan.ssh} -W ${to} -S none ${arguments_(plan, index)}`}\n`;
}

/**
 * A session of the master's. Never on its own: were the master gone, ssh would log in anew without being asked, so what it would
 * connect with is a program that fails.
 */
export function sessionArguments(folder: string): string[] {
  return [
    ...['-F', 'none', '-T', '-S', literal(files.control(folder))],
    ...option('ControlMaster', 'no'),
    ...option('ProxyCommand', 'false'),
    ...option('BatchMode', 'yes'),
  ];
}

function arguments_(plan: SshPlan, index: number): string[] {
  const { target, route, folder, seconds, terminal } = plan;
  const waypoint = route[index]!;
  const { port, user, address } = waypoint.asked;
  return [
    ...['-v', '-E', files.log(folder, index)],
    ...option('BatchMode', terminal ? 'no' : 'yes'),
    // of what one can be asked for, only what opens a key
    ...option('PasswordAuthentication', 'no'),
    ...option('KbdInteractiveAuthentication', 'no'),
    ...option('ConnectTimeout', String(seconds)),
    ...option('ServerAliveInterval', '5'),
    ...option('ServerAliveCountMax', '3'),
    ...option('ControlPersist', 'no'),
    ...option('ForwardAgent', 'no'),
    ...option('ForwardX11', 'no'),
    ...option('ClearAllForwardings', 'yes'),
    ...option('PermitLocalCommand', 'no'),
    ...option('RequestTTY', 'no'),
    ...option('RemoteCommand', 'none'),
    ...option('UpdateHostKeys', 'no'),
    ...hostKeys(plan, waypoint),
    ...identity(target, waypoint, plan.env),
    ...(index === 0 ? [] : option('ProxyCommand', `sh ${literal(sh`${files.hop(folder, index - 1)}`.text)}`)),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...['--', address.replace(/^\[(.*)\]$/, '$1')],
  ];
}

function hostKeys(
  { target, folder, acceptNew, knownHostsFiles }: SshPlan,
  { where, settings }: Waypoint,
): string[] {
  if (where.hop === undefined && target.hostKey !== undefined) {
    return [
      ...option('StrictHostKeyChecking', 'yes'),
      ...option('HostKeyAlias', PINNED),
      ...option('UserKnownHostsFile', words([files.pinned(folder)])),
      ...option('GlobalKnownHostsFile', '/dev/null'),
      ...option('KnownHostsCommand', 'none').filter(() => settings.sshOnly.includes('knownhostscommand')),
      ...option('VerifyHostKeyDNS', 'no'),
    ];
  }
  const recorded = acceptNew && (knownHostsFiles?.[0] ?? settings.newKeysFile) !== undefined;
  return [
    ...option('StrictHostKeyChecking', recorded ? 'accept-new' : 'yes'),
    ...option('HashKnownHosts', 'yes'),
    ...(knownHostsFiles === undefined
      ? []
      : [
          ...option('UserKnownHostsFile', words(knownHostsFiles)),
          ...option('GlobalKnownHostsFile', '/dev/null'),
        ]),
  ];
}

/** The key of the inventory; all others are found by ssh as ever. */
function identity(target: Target, waypoint: Waypoint, env: NodeJS.ProcessEnv): string[] {
  if (target.identityFile === undefined) return [];
  const own = waypoint.settings.identityFiles;
  const isTarget = waypoint.where.hop === undefined;
  const named = identityFiles(target, waypoint, env).filter((file) => isTarget || !own.includes(file));
  return [
    ...named.flatMap((file) => ['-i', literal(file)]),
    ...(isTarget ? option('IdentitiesOnly', 'yes') : []),
  ];
}
