import { existsSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { printable } from '../text/harmless.ts';
import { failure, type Where } from './errors.ts';
import { localShell } from './local-shell.ts';
import { splitPaths } from './path-list.ts';

/** How ssh itself would reach a host: the part of `ssh -G` that matters here. */
export interface SshSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In ssh's order; tokens and `~` expanded. They need not exist. */
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** A socket, or undefined if no agent is to be used. */
  readonly agent?: string | undefined;
  readonly knownHostsFiles: readonly string[];
  /** The one among them that new keys are written to. */
  readonly newKeysFile?: string | undefined;
  readonly hostKeyAlias?: string | undefined;
  readonly proxyJump?: string | undefined;
  readonly proxyCommand?: string | undefined;
  readonly certificateFiles: readonly string[];
  /** The setting that keeps ssh from offering a key, if one does. */
  readonly withoutKeys?: string | undefined;
  /** Keywords that are set and that only ssh itself carries out. */
  readonly sshOnly: readonly string[];
  /** Whether an ssh on this machine said all this. */
  readonly fromSsh: boolean;
}

/** More ways to know a host's key, to prove one's own and to leave this machine than are built in here. */
const SSH_ONLY = ['revokedhostkeys', 'knownhostscommand', 'pkcs11provider', 'bindaddress', 'bindinterface'];

/** What wins over the user's configuration. */
export interface Overrides {
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly identityFile?: string | undefined;
  readonly jump?: string | undefined;
}

export interface SshConfigOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Default `ssh`. */
  readonly sshBinary?: string | undefined;
}

/** Reads what `ssh -G` prints: one `keyword value` a line, some keywords several times. */
export function parseSettings(
  text: string,
  address: string,
  env: NodeJS.ProcessEnv,
  exists: (path: string) => boolean = existsSync,
): SshSettings {
  const values = new Map<string, string[]>();
  for (const row of text.split(/\r?\n/)) {
    const [, keyword, value] = /^(\S+)\s+(.*)$/.exec(row) ?? [];
    if (keyword === undefined || value === undefined) continue;
    const key = keyword.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value.trim()]);
  }
  const one = (key: string) => values.get(key)?.[0];
  const unlessNone = (key: string) => (one(key) === 'none' ? undefined : one(key));

  const host = one('hostname') ?? address;
  const port = Number(one('port') ?? 22);
  const user = one('user') ?? userInfo().username;
  const expand = (path: string) => expandPath(path, { name: address, host, port, user }, env);
  // ssh has expanded these already, unless it is an old one: what a path holds by itself must not be expanded again
  const file = (path: string) => (exists(path) ? path : expand(path));
  const files = (key: string) =>
    splitPaths(one(key) ?? '', (path) => exists(file(path)))
      .filter((path) => path !== 'none')
      .map(file);
  const ofUser = files('userknownhostsfile');
  const agent = one('identityagent');
  return {
    host,
    port,
    user,
    // One a line, so a path may contain blanks; the known_hosts files share a line.
    identityFiles: (values.get('identityfile') ?? []).filter((file) => file !== 'none').map(expand),
    identitiesOnly: one('identitiesonly') === 'yes',
    agent: agentSocket(agent, expand, env),
    knownHostsFiles: [...ofUser, ...files('globalknownhostsfile')],
    newKeysFile: ofUser.find((file) => file !== '/dev/null'),
    hostKeyAlias: unlessNone('hostkeyalias'),
    proxyJump: unlessNone('proxyjump'),
    proxyCommand: unlessNone('proxycommand'),
    certificateFiles: (values.get('certificatefile') ?? []).filter((file) => file !== 'none').map(expand),
    withoutKeys: withoutKeys(one('pubkeyauthentication'), one('preferredauthentications')),
    sshOnly: SSH_ONLY.filter((key) => unlessNone(key) !== undefined),
    fromSsh: true,
  };
}

function withoutKeys(pubkey: string | undefined, preferred: string | undefined): string | undefined {
  if (pubkey === 'no' || pubkey === 'false') return 'PubkeyAuthentication no';
  const methods = preferred?.split(',');
  return methods && !methods.includes('publickey') ? `PreferredAuthentications ${preferred}` : undefined;
}

/** Asks `ssh -G`; without an ssh on this machine, the inventory's values and ssh's defaults. */
export async function resolveSettings(
  address: string,
  overrides: Overrides,
  { env, sshBinary = 'ssh' }: SshConfigOptions,
  where: Where,
): Promise<SshSettings> {
  // A name such as -oProxyCommand=… would be an option, and blanks or control characters are never part of a name.
  if (address === '' || /^-|[\s\p{Cc}]/u.test(address) || /^-|[\s\p{Cc}]/u.test(overrides.user ?? '')) {
    throw failure(
      'unresolved',
      where,
      `“${printable(address)}” with user “${printable(overrides.user ?? '')}” cannot be an address of ${printable(where.name)}: neither may be empty, start with “-” or contain blanks. Correct it in the inventory.`,
    );
  }
  const name = address.replace(/^\[(.*)\]$/, '$1');
  const flags = [
    ...(overrides.port === undefined ? [] : ['-p', String(overrides.port)]),
    ...(overrides.user === undefined ? [] : ['-l', overrides.user]),
    ...(overrides.jump === undefined ? [] : ['-J', overrides.jump]),
  ];
  const $ = await localShell(env);
  const asked = await $`${sshBinary} -G ${flags} -- ${name} </dev/null`;
  const settings =
    asked.exitCode === 127 ? withoutSsh(name, overrides, env) : parseSettings(asked.stdout, name, env);
  if (asked.exitCode !== 0 && asked.exitCode !== 127) {
    throw failure(
      'unresolved',
      where,
      `ssh -G could not say how to reach ${printable(where.name)}: ${printable(asked.stderr).replace(/\.$/, '')}. Correct your ssh configuration or the inventory; no connection was made.`,
    );
  }
  return {
    ...settings,
    ...(overrides.port === undefined ? {} : { port: overrides.port }),
    ...(overrides.user === undefined ? {} : { user: overrides.user }),
  };
}

function withoutSsh(address: string, overrides: Overrides, env: NodeJS.ProcessEnv): SshSettings {
  const at = address.lastIndexOf('@');
  const lines = [
    `hostname ${address.slice(at + 1)}`,
    ...(at > 0 ? [`user ${address.slice(0, at)}`] : []),
    ...(overrides.jump === undefined ? [] : [`proxyjump ${overrides.jump}`]),
    ...['ed25519', 'ecdsa', 'rsa'].map((type) => `identityfile ~/.ssh/id_${type}`),
    'userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2',
    'globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2',
  ];
  return { ...parseSettings(lines.join('\n'), address, env), fromSsh: false };
}

/** `a,b` of ProxyJump: each `[user@]host[:port]` or `ssh://…`. */
export function parseJumps(text: string): { address: string; user?: string; port?: number }[] {
  return text.split(',').map((hop) => {
    const bare = hop.trim().replace(/^ssh:\/\/(.*?)\/?$/, '$1');
    const user = /^(.+)@/.exec(bare)?.[1];
    const rest = bare.slice(user === undefined ? 0 : user.length + 1);
    // An IPv6 address is bracketed when a port follows; without brackets its colons are its own.
    const [, bracketed, name, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(rest) ?? [];
    return {
      address: bracketed ?? name ?? rest,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
    };
  });
}

/** `~`, `${NAME}` and ssh's percent tokens. */
export function expandPath(
  path: string,
  at: { name: string; host: string; port: number; user: string },
  env: NodeJS.ProcessEnv,
): string {
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    d: homedir(),
    h: at.host,
    i: String(process.getuid?.() ?? ''),
    L: hostname().replace(/\..*$/, ''),
    l: hostname(),
    n: at.name,
    p: String(at.port),
    r: at.user,
    u: userInfo().username,
  };
  return path
    .replace(/^~(?=\/|$)/, homedir())
    .replace(/\$\{(\w+)\}/g, (whole, name: string) => env[name] ?? whole)
    .replace(/%(.)/g, (whole, token: string) => tokens[token] ?? whole);
}

function agentSocket(
  setting: string | undefined,
  expand: (path: string) => string,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (setting === 'none') return undefined;
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || undefined;
  return setting.startsWith('$') && !setting.startsWith('${') ? env[setting.slice(1)] : expand(setting);
}
