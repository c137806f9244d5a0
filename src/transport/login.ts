import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { AnyAuthMethod, AuthenticationType, ParsedKey, BaseAgent as Ssh2Agent } from 'ssh2';
import { printable } from '../text/harmless.ts';
import { errorCode, failure, message, place, type Where } from './errors.ts';
import { fingerprint } from './host-key.ts';
import { expandPath, type SshSettings } from './ssh-config.ts';

/** One key to log in with, ready to use. */
export interface Credential {
  /** For people: where it comes from. */
  readonly label: string;
  readonly fingerprint: string;
  readonly auth: (username: string) => AnyAuthMethod;
}

export interface LoginOptions {
  readonly settings: SshSettings;
  /** Of the inventory: then it is the only key used. */
  readonly identityFile?: string | undefined;
  readonly passphrase?: ((file: string) => Promise<string | undefined>) | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly where: Where;
}

/** Keys tried on one connection: hardened hosts hang up after the second (MaxAuthTries 2), and fail2ban counts. */
const attemptLimit = 2;

/** The keys to try, best first; decided before a connection is opened, so that a missing key costs the host nothing. */
export async function planLogin(options: LoginOptions): Promise<Credential[]> {
  const { settings, identityFile, env, where } = options;
  const agent = await openAgent(settings.agent);
  if (identityFile !== undefined) {
    const found = await fromFile(
      expandPath(identityFile, { ...settings, name: settings.host }, env),
      agent,
      options.passphrase,
    );
    if ('credential' in found) return [found.credential];
    throw failure('key-unusable', where, `${keyTrouble(where)}: ${found.why}. ${noConnection}`);
  }

  const found = await Promise.all(settings.identityFiles.map((file) => fromFile(file, agent, undefined)));
  const usable = found.flatMap((one) => ('credential' in one ? [one.credential] : []));
  const others = settings.identitiesOnly ? [] : agent.keys.map((key) => agent.credential(key));
  const credentials = unique([...usable, ...others]).slice(0, attemptLimit);
  if (credentials.length > 0) return credentials;

  // Worth a question only where nothing else can be tried.
  const locked = found.find((one) => 'locked' in one);
  if (locked && 'locked' in locked && options.passphrase) {
    const opened = await fromFile(locked.locked, agent, options.passphrase);
    if ('credential' in opened) return [opened.credential];
    throw failure('key-unusable', where, `${keyTrouble(where)}: ${opened.why}. ${noConnection}`);
  }
  const reasons = found.flatMap((one) => ('why' in one && !('missing' in one) ? [one.why] : []));
  throw failure(
    'key-unusable',
    where,
    `There is no key to log in to ${place(where)} with: ${[...reasons, agent.state].join('; ')}. ${where.hop === undefined ? 'Name a key as identity_file in the inventory' : 'Name a key as IdentityFile for it in ~/.ssh/config'}, or load one with ssh-add. ${noConnection}`,
  );
}

/** Offers each key once, one after the other; never `none`, never a password. */
export function authHandler(user: string, credentials: readonly Credential[], tried: Credential[]) {
  const left = [...credentials];
  return (
    methods: readonly AuthenticationType[] | null,
    partial: boolean | null,
    next: (auth: AnyAuthMethod | false) => void,
  ): void => {
    // A key was accepted but the host wants more, or it takes no keys at all: a further key would be a wasted try.
    const useless = partial || (methods !== null && !methods.includes('publickey'));
    const credential = useless ? undefined : left.shift();
    if (credential) tried.push(credential);
    next(credential ? credential.auth(user) : false);
  };
}

const noConnection = 'No connection was made.';
const keyTrouble = (where: Where) => `The key for ${place(where)} cannot be used`;

type FromFile =
  | { readonly credential: Credential }
  | { readonly why: string }
  | { readonly why: string; readonly missing: true }
  | { readonly why: string; readonly locked: string };

async function fromFile(
  file: string,
  agent: Agent,
  passphrase: LoginOptions['passphrase'],
): Promise<FromFile> {
  const name = printable(file);
  let text: Buffer;
  try {
    const { mode, uid } = await stat(file);
    // ssh's own rule: others could have copied it.
    if (uid === userInfo().uid && (mode & 0o077) !== 0 && !file.endsWith('.pub')) {
      return {
        why: `${name} can be read by others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); run chmod 600 on it`,
      };
    }
    text = await readFile(file);
  } catch (error) {
    const held = agent.holding(await publicHalf(file));
    if (held) return { credential: held };
    return errorCode(error) === 'ENOENT'
      ? { why: `${name} does not exist`, missing: true }
      : { why: `${name} cannot be read (${errorCode(error) ?? message(error)})` };
  }

  const { utils } = await loadSsh2();
  const key = utils.parseKey(text);
  if (!(key instanceof Error)) {
    if (key.isPrivateKey()) return { credential: fromKey(name, key) };
    const held = agent.holding(key.getPublicSSH());
    return held
      ? { credential: held }
      : { why: `${name} is a public key and the agent does not hold its private half` };
  }
  if (!/no passphrase given/.test(key.message)) {
    return {
      why: `${name} is not a private key that can be used here (${printable(key.message)}); make one with ssh-keygen -t ed25519`,
    };
  }
  const held = agent.holding((await publicHalf(file)) ?? embeddedPublicKey(text));
  if (held) return { credential: held };
  const word = await passphrase?.(file);
  if (word === undefined) {
    return {
      why: `${name} is protected by a passphrase and not in an agent (${agent.state}); run ssh-add on it`,
      locked: file,
    };
  }
  const opened = utils.parseKey(text, word);
  return opened instanceof Error
    ? { why: `the passphrase for ${name} is wrong` }
    : { credential: fromKey(name, opened) };
}

function fromKey(name: string, key: ParsedKey): Credential {
  return {
    label: name,
    fingerprint: fingerprint(key.getPublicSSH()),
    auth: (username) => ({ type: 'publickey', username, key }),
  };
}

async function publicHalf(file: string): Promise<Buffer | undefined> {
  try {
    const { utils } = await loadSsh2();
    const key = utils.parseKey(await readFile(file.endsWith('.pub') ? file : `${file}.pub`));
    return key instanceof Error ? undefined : key.getPublicSSH();
  } catch {
    return undefined;
  }
}

/** The public half that OpenSSH's format keeps readable before the encrypted part (PROTOCOL.key). */
export function embeddedPublicKey(text: Buffer): Buffer | undefined {
  const [, body] =
    /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text.toString('latin1')) ?? [];
  const data = Buffer.from(body ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  if (data.toString('latin1', 0, magic.length) !== magic) return undefined;
  let at = magic.length;
  const field = () => {
    const end = at + 4 + data.readUInt32BE(at);
    const value = data.subarray(at + 4, end);
    at = end;
    return value;
  };
  try {
    for (const _ of ['cipher', 'kdf', 'kdf options']) field();
    at += 4; // the number of keys: one
    return field();
  } catch {
    return undefined;
  }
}

interface Agent {
  readonly keys: readonly ParsedKey[];
  /** For people: whether there is one, and what it holds. */
  readonly state: string;
  credential(key: ParsedKey): Credential;
  /** A credential for a public key that the agent holds. */
  holding(blob: Buffer | undefined): Credential | undefined;
}

async function openAgent(socket: string | undefined): Promise<Agent> {
  const none = (state: string): Agent => ({
    keys: [],
    state,
    credential: () => {
      throw new Error(state);
    },
    holding: () => undefined,
  });
  if (socket === undefined) return none('no agent is running');

  const { BaseAgent, createAgent, utils } = await loadSsh2();
  const real = createAgent(socket);
  const listed = await new Promise<ParsedKey[] | Error>((resolve) =>
    real.getIdentities((error, keys) =>
      resolve(
        error ??
          (keys ?? []).flatMap((key) => {
            const parsed = utils.parseKey(key as unknown as Buffer);
            return parsed instanceof Error ? [] : [parsed];
          }),
      ),
    ),
  );
  if (listed instanceof Error) return none(`the agent at ${printable(socket)} does not answer`);

  /** ssh2 offers all keys of an agent, so each is shown as an agent that holds one. */
  class OneKey extends BaseAgent {
    readonly #key: ParsedKey;
    constructor(key: ParsedKey) {
      super();
      this.#key = key;
    }
    override getIdentities(reply: Parameters<Ssh2Agent['getIdentities']>[0]): void {
      reply(null, [this.#key]);
    }
    override sign(...args: unknown[]): void {
      (real.sign as (...args: unknown[]) => void).apply(real, args);
    }
  }
  const credential = (key: ParsedKey): Credential => ({
    label: `${printable(key.comment || 'a key')} of the agent`,
    fingerprint: fingerprint(key.getPublicSSH()),
    auth: (username) => ({ type: 'agent', username, agent: new OneKey(key) }),
  });
  return {
    keys: listed,
    state: `the agent holds ${listed.length} key${listed.length === 1 ? '' : 's'}`,
    credential,
    holding: (blob) => {
      const key = blob && listed.find((one) => one.getPublicSSH().equals(blob));
      return key && credential(key);
    },
  };
}

/** The same key from a file and from the agent is one try. */
function unique(credentials: readonly Credential[]): Credential[] {
  return [...new Map([...credentials].reverse().map((one) => [one.fingerprint, one])).values()].reverse();
}

/** Loaded only when needed: it takes longer than a login. */
async function loadSsh2() {
  return (await import('ssh2')).default;
}
