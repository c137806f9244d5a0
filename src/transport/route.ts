import { readFile } from 'node:fs/promises';
import { printable } from '../text/harmless.ts';
import { failure, type Where } from './errors.ts';
import { type HostKeyPolicy, knownKeys, knownOrNewKeys, type Named, pinnedKey } from './host-key.ts';
import { type KnownHost, parseKnownHosts } from './known-hosts.ts';
import { type Credential, planLogin } from './login.ts';
import { expandPath, parseJumps, resolveSettings, type SshSettings } from './ssh-config.ts';
import type { Target } from './transport.ts';

export interface RouteOptions {
  /** Opens an encrypted key file that no agent holds. */
  readonly passphrase?: ((file: string) => Promise<string | undefined>) | undefined;
  /** Records the key of a host that no known_hosts file knows, and says so. Without it such a host is refused. */
  readonly acceptNew?: ((sentence: string) => void) | undefined;
  /** Instead of those that ssh would read. */
  readonly knownHostsFiles?: readonly string[] | undefined;
  /** Default `ssh`. */
  readonly sshBinary?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** One host on the way, the last one being the target, as `ssh` would be asked for it and as it would reach it. */
export interface Waypoint {
  readonly where: Where;
  readonly asked: { readonly address: string; readonly port?: number; readonly user?: string };
  readonly settings: SshSettings;
}

/** The same with all that can be known before a packet is sent. */
export interface Stop extends Waypoint {
  readonly policy: HostKeyPolicy;
  readonly credentials: readonly Credential[];
}

/** The hosts to pass, as ssh would: jump hosts first. */
export async function findRoute(target: Target, options: RouteOptions): Promise<Waypoint[]> {
  const env = options.env ?? process.env;
  const surroundings = { env, sshBinary: options.sshBinary };
  const name: Where = { name: target.name, address: target.address };

  const settings = await resolveSettings(target.address, target, surroundings, name);
  const hops: Omit<Waypoint, 'where'>[] = [];
  let jumps = settings.proxyJump === undefined ? [] : parseJumps(settings.proxyJump);
  while (jumps.length > 0) {
    if (hops.length + jumps.length > 8) {
      throw failure(
        'unreachable',
        name,
        `The jump hosts of ${printable(target.name)} form a circle or are more than eight. Correct ProxyJump or jump:; no connection was made.`,
      );
    }
    const resolved: typeof hops = [];
    for (const hop of jumps) {
      const where = { ...name, address: hop.address, hop: hop.address };
      resolved.push({
        asked: hop,
        settings: await resolveSettings(hop.address, hop, surroundings, where),
      });
    }
    hops.unshift(...resolved);
    // Only the first host of a list is reached by its own configuration; the others through the one before.
    const next = resolved[0]?.settings.proxyJump;
    jumps = next === undefined ? [] : parseJumps(next);
  }

  const place = ({ host, port }: SshSettings): Where => ({ name: target.name, address: host, port });
  const { address, port, user } = target;
  const asked = { address, ...(port === undefined ? {} : { port }), ...(user === undefined ? {} : { user }) };
  return [
    ...hops.map((hop) => ({ ...hop, where: { ...place(hop.settings), hop: hop.asked.address } })),
    { where: place(settings), asked, settings },
  ];
}

/** Decides which host keys are accepted and which keys are tried, for each host on the way. */
export async function planStops(
  target: Target,
  route: readonly Waypoint[],
  options: RouteOptions,
): Promise<Stop[]> {
  const env = options.env ?? process.env;
  const stops: Stop[] = [];
  for (const waypoint of route) {
    const { where, settings: own } = waypoint;
    const isTarget = where.hop === undefined;
    const files = identityFiles(target, waypoint, env);
    stops.push({
      ...waypoint,
      policy:
        isTarget && target.hostKey !== undefined
          ? pinnedKey(target.hostKey, await linesOnFile(own, options), named(own), where)
          : await keysOnFile(own, where, options),
      credentials: await planLogin({
        settings: { ...own, identityFiles: files },
        identityFile: isTarget ? target.identityFile : undefined,
        passphrase: options.passphrase,
        env,
        where,
      }),
    });
  }
  return stops;
}

/** A jump host has its own keys, as with ssh; the inventory's key comes after them. */
export function identityFiles(
  target: Target,
  { where, asked, settings }: Waypoint,
  env: NodeJS.ProcessEnv,
): readonly string[] {
  const file =
    target.identityFile && expandPath(target.identityFile, { ...settings, name: asked.address }, env);
  if (file === undefined) return settings.identityFiles;
  if (where.hop === undefined) return [file];
  return target.jump === undefined ? settings.identityFiles : [...settings.identityFiles, file];
}

async function keysOnFile(
  settings: SshSettings,
  where: Where,
  options: RouteOptions,
): Promise<HostKeyPolicy> {
  const file = options.knownHostsFiles?.[0] ?? settings.newKeysFile;
  const known = () => linesOnFile(settings, options);
  return options.acceptNew === undefined || file === undefined
    ? knownKeys(await known(), named(settings), where, file !== undefined)
    : knownOrNewKeys(await known(), named(settings), where, { file, known, told: options.acceptNew });
}

/** How known_hosts names a host that is reached so. */
export const named = ({ host, port, hostKeyAlias: alias }: SshSettings): Named => ({ host, port, alias });

/** All lines of the known_hosts files that count for a host. */
export async function linesOnFile(
  settings: SshSettings,
  { knownHostsFiles: files = settings.knownHostsFiles }: RouteOptions,
): Promise<KnownHost[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.flatMap((file, index) => parseKnownHosts(texts[index] ?? '', file));
}
