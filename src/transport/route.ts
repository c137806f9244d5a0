import { readFile } from 'node:fs/promises';
import { printable } from '../text/harmless.ts';
import { failure, place, type Where } from './errors.ts';
import { type HostKeyPolicy, knownKeys, knownOrNewKeys, pinnedKey } from './host-key.ts';
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
  /** Default `ssh`; used only for `ssh -G`. */
  readonly sshBinary?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** One host on the way, the last one being the target: all that can be known before a packet is sent. */
export interface Stop {
  readonly where: Where;
  readonly settings: SshSettings;
  readonly policy: HostKeyPolicy;
  readonly credentials: readonly Credential[];
}

/** The hosts to pass, as ssh would: jump hosts first. */
export async function planRoute(target: Target, options: RouteOptions): Promise<Stop[]> {
  const env = options.env ?? process.env;
  const surroundings = { env, sshBinary: options.sshBinary };
  const name: Where = { name: target.name, address: target.address };

  const settings = await resolveSettings(target.address, target, surroundings, name);
  const hops: { address: string; settings: SshSettings }[] = [];
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
        address: hop.address,
        settings: await resolveSettings(hop.address, hop, surroundings, where),
      });
    }
    hops.unshift(...resolved);
    // Only the first host of a list is reached by its own configuration; the others through the one before.
    const next = resolved[0]?.settings.proxyJump;
    jumps = next === undefined ? [] : parseJumps(next);
  }

  const all = [...hops, { address: undefined, settings }];
  const stops: Stop[] = [];
  for (const { address, settings: own } of all) {
    const where: Where = {
      name: target.name,
      address: own.host,
      port: own.port,
      ...(address === undefined ? {} : { hop: address }),
    };
    if (own.proxyCommand !== undefined && own.proxyJump === undefined && stops.length === 0) {
      throw failure(
        'unreachable',
        where,
        `Your ssh configuration reaches ${place(where)} through a ProxyCommand, which is not supported. Use ProxyJump there, or jump: in the inventory; no connection was made.`,
      );
    }
    const isTarget = address === undefined;
    stops.push({
      where,
      settings: own,
      policy:
        isTarget && target.hostKey !== undefined
          ? pinnedKey(target.hostKey, where)
          : await keysOnFile(own, where, options),
      credentials: await planLogin({
        // A jump host has its own keys, as with ssh; the inventory's key comes after them.
        settings:
          isTarget || target.jump === undefined || target.identityFile === undefined
            ? own
            : {
                ...own,
                identityFiles: [
                  ...own.identityFiles,
                  expandPath(target.identityFile, { ...settings, name: target.address }, env),
                ],
              },
        identityFile: isTarget ? target.identityFile : undefined,
        passphrase: options.passphrase,
        env,
        where,
      }),
    });
  }
  return stops;
}

async function keysOnFile(
  settings: SshSettings,
  where: Where,
  options: RouteOptions,
): Promise<HostKeyPolicy> {
  const files = options.knownHostsFiles ?? settings.knownHostsFiles;
  const file = options.knownHostsFiles?.[0] ?? settings.newKeysFile;
  const named = { host: settings.host, port: settings.port, alias: settings.hostKeyAlias };
  const known = () => readKnownHosts(files);
  return options.acceptNew === undefined || file === undefined
    ? knownKeys(await known(), named, where)
    : knownOrNewKeys(await known(), named, where, { file, known, told: options.acceptNew });
}

async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.flatMap((file, index) => parseKnownHosts(texts[index] ?? '', file));
}
