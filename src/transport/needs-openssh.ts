import { access, readFile } from 'node:fs/promises';
import type { SshOptions } from './connection.ts';
import { failure, place } from './errors.ts';
import { namesOnFile } from './host-key.ts';
import { hasAuthority, keyType } from './known-hosts.ts';
import { localShell } from './local-shell.ts';
import { embeddedPublicKey } from './login.ts';
import { identityFiles, linesOnFile, named, type Waypoint } from './route.ts';
import type { Target } from './transport.ts';

/**
 * Whether the ssh of this machine has to open the connection: because the inventory says so, or because something on the way is
 * beyond the client that is built in (a ProxyCommand, certificates of either side, keys in hardware).
 */
export async function needsOpenSsh(
  target: Target,
  route: readonly Waypoint[],
  options: SshOptions,
): Promise<boolean> {
  const { where, settings } = route.at(-1)!;
  if (target.connection === 'openssh') {
    if (settings.fromSsh) return true;
    throw failure(
      'unreachable',
      where,
      `${place(where)} is to be reached by OpenSSH (connection: openssh), and there is no ssh on this machine. Install openssh-client, or leave that setting out; no connection was made.`,
    );
  }
  if (!settings.fromSsh) return false;
  const env = options.env ?? process.env;
  for (const [index, waypoint] of route.entries()) {
    const own = waypoint.settings;
    // past a jump host, a ProxyCommand has no say
    if (index === 0 && own.proxyCommand !== undefined) return true;
    if (own.sshOnly.length > 0) return true;
    const pinned = waypoint.where.hop === undefined && target.hostKey !== undefined;
    if (!pinned && (await mayShowCertificate(waypoint, options))) return true;
    if (await needsSshKeys(target, waypoint, env)) return true;
  }
  return false;
}

async function mayShowCertificate({ settings }: Waypoint, options: SshOptions): Promise<boolean> {
  return hasAuthority(await linesOnFile(settings, options), namesOnFile(named(settings)));
}

/** A certificate to log in with, or none but keys in hardware. */
async function needsSshKeys(target: Target, waypoint: Waypoint, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { settings, where } = waypoint;
  const files = identityFiles(target, waypoint, env);
  const certificates = [...settings.certificateFiles, ...files.map((file) => `${file}-cert.pub`)];
  if ((await Promise.all(certificates.map(exists))).includes(true)) return true;
  const onlyFiles = settings.identitiesOnly || (where.hop === undefined && target.identityFile !== undefined);
  const types = [
    ...(await Promise.all(files.map(typeOfFile))),
    ...(onlyFiles ? [] : await typesInAgent(settings.agent, env)),
  ].filter((type) => type !== undefined);
  const inHardware = (type: string) => type.startsWith('sk-');
  return types.some(isCertificate) || (types.some(inHardware) && types.every(inHardware));
}

const isCertificate = (type: string) => /-cert-v\d+@/.test(type);

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

/** The type of the key in a file, by what is readable of it; undefined if there is none. */
async function typeOfFile(file: string): Promise<string | undefined> {
  const [own, half] = await Promise.all(
    [file, `${file}.pub`].map((path) => readFile(path).catch(() => undefined)),
  );
  const text = half ?? own;
  if (text === undefined) return undefined;
  const [type] = text.toString('latin1').split(' ', 1);
  if (type && /^(ssh|ecdsa|sk)-[\w@.-]+$/.test(type)) return type;
  const blob = own && embeddedPublicKey(own);
  return (blob && keyType(blob)) ?? 'private';
}

/** Of the keys that the agent holds. ssh2 leaves out those that it cannot use, so OpenSSH's own tool is asked. */
async function typesInAgent(socket: string | undefined, env: NodeJS.ProcessEnv): Promise<string[]> {
  if (socket === undefined) return [];
  const $ = await localShell({ ...env, SSH_AUTH_SOCK: socket });
  const listed = await $`ssh-add -L </dev/null`;
  return listed.exitCode === 0
    ? listed.stdout
        .split('\n')
        .map((row) => row.split(' ', 1)[0]!)
        .filter(Boolean)
    : [];
}
