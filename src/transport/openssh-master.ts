import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../text/harmless.ts';
import type { SshOptions } from './connection.ts';
import { failure, interrupted, place } from './errors.ts';
import { pinnedKey } from './host-key.ts';
import { keyNotRecorded, keyRecorded, type ShownKey } from './host-key-errors.ts';
import { localShell } from './local-shell.ts';
import { loginFailure, messages, type SshLog, shownKey } from './openssh-log.ts';
import { canBeTold, files, hopScript, masterArguments, PINNED, type SshPlan } from './openssh-options.ts';
import { linesOnFile, named, type Waypoint } from './route.ts';
import type { Target, TransportError } from './transport.ts';
import { atTerminal } from './turns.ts';

/** An ssh that is logged in and lets sessions in. */
export interface Master {
  readonly folder: string;
  /** Why it ended, once it has. */
  ended(): Error | undefined;
  /** Waits for its end, so many seconds at most. */
  end(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Keeps ssh as long as standard input is open: it ends with the tool, however that ends, and its folder goes with it.
 * Arguments: the folder, then the command. Ctrl-C in the terminal is for the tool to handle; a hang-up is what ssh ends its
 * ProxyCommand with, so nothing may ignore it.
 */
const LEASH = `trap '' INT QUIT
trap : HUP PIPE
exec 3<&0
folder=$1; shift
"$@" </dev/null 3<&- & ssh=$!
{ cat <&3 >/dev/null; kill "$ssh"; } 2>/dev/null & leash=$!
wait "$ssh"; code=$?
kill "$leash" 2>/dev/null
echo "ended $code" 2>/dev/null
cat <&3 >/dev/null
rm -rf "$folder"`;

/** Seconds for a person to find a passphrase, or the key to touch. */
const PERSON = 120;

export async function openMaster(
  target: Target,
  route: readonly Waypoint[],
  options: SshOptions,
): Promise<Master> {
  const open = () => openNow(target, route, options);
  const { terminal, signal } = options;
  const master = await (terminal ? atTerminal(open, signal) : open());
  if (master === undefined) throw interrupted(route.at(-1)!.where);
  return master;
}

async function openNow(target: Target, route: readonly Waypoint[], options: SshOptions): Promise<Master> {
  const { terminal = false, signal, acceptNew } = options;
  const where = route.at(-1)!.where;
  const untold = options.knownHostsFiles?.find((file) => !canBeTold(file));
  if (untold !== undefined) {
    throw failure(
      'host-key-unknown',
      where,
      `${place(where)} is reached by the ssh of this machine, which cannot be told of the known_hosts file ${printable(untold)}: its path holds a double quote, \${ or a backslash. Give it another path; no connection was made.`,
    );
  }
  const pinned = await pin(target, route.at(-1)!, options);
  const seconds = options.connectTimeout ?? 10;
  const plan: SshPlan = {
    target,
    route,
    folder: await mkdtemp(join(temporary(), 'harden-')),
    ssh: options.sshBinary ?? 'ssh',
    seconds,
    terminal,
    acceptNew: acceptNew !== undefined,
    env: options.env ?? process.env,
    knownHostsFiles: options.knownHostsFiles,
  };
  for (const index of route.keys()) {
    if (index > 0) await writeFile(files.hop(plan.folder, index - 1), hopScript(plan, index - 1));
  }
  if (target.hostKey !== undefined) {
    await writeFile(files.pinned(plan.folder), `${PINNED} ${target.hostKey}\n`);
  }

  const master = await startMaster(plan);
  const limit = terminal ? PERSON : 3 * seconds * route.length;
  const state = await master.opened(limit, signal);
  const logs = await readLogs(plan);
  const problem: TransportError | undefined =
    state === 'interrupted'
      ? interrupted(where)
      : state === 'ready'
        ? newKeys(logs, acceptNew)
        : loginFailure(await withLines(logs, options), {
            said: master.said(),
            seconds,
            late: state === 'late',
            pinned,
          });
  if (problem === undefined) return master;
  await master.close();
  throw problem;
}

/** The inventory's key, unless known_hosts marks it as revoked: the file that ssh is given instead does not say so. */
async function pin(
  { hostKey }: Target,
  { where, settings }: Waypoint,
  options: SshOptions,
): Promise<ShownKey | undefined> {
  if (hostKey === undefined) return undefined;
  return pinnedKey(hostKey, await linesOnFile(settings, options), named(settings), where).pinned;
}

/** The path of a Unix socket has 107 bytes, of which ssh takes 18 for itself while it makes one. */
function temporary(): string {
  return Buffer.byteLength(tmpdir()) > 70 || !canBeTold(join(tmpdir(), 'x')) ? '/tmp' : tmpdir();
}

async function startMaster(plan: SshPlan) {
  const $ = await localShell(plan.env);
  const shell = $({
    stdio: ['pipe', 'pipe', plan.terminal ? 'inherit' : 'pipe'],
  })`sh -c ${LEASH} sh ${plan.folder} ${plan.ssh} ${masterArguments(plan)}`;
  const { stdin, stdout } = shell;
  stdin.on('error', () => {});
  const gone = once(shell.child!, 'close');
  let text = '';
  let said = '';
  let ended: Error | undefined;
  let changed = () => {};
  const ready = new Promise<'ready' | 'ended'>((resolve) => {
    changed = () => {
      if (/^ready$/m.test(text)) resolve('ready');
      if (/^ended \d+$/m.test(text)) resolve('ended');
    };
  });
  const end = new Promise<void>((resolve) => {
    stdout.on('data', async (chunk: Buffer) => {
      text += chunk.toString();
      changed();
      if (ended || !/^ended \d+$/m.test(text)) return;
      ended = new Error('ssh ended');
      const log = await readFile(files.log(plan.folder, plan.route.length - 1), 'utf8').catch(() => '');
      ended = new Error(messages(log).at(-1) ?? 'ssh ended');
      resolve();
    });
  });
  if (!plan.terminal) {
    shell.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-4096);
    });
  }

  return {
    folder: plan.folder,
    ended: () => ended,
    end: (seconds: number) => within(seconds, end).then(() => {}),
    said: () => said,
    async opened(seconds: number, signal: AbortSignal | undefined) {
      const aborted = new Promise<'interrupted'>((resolve) => {
        if (signal?.aborted) resolve('interrupted');
        signal?.addEventListener('abort', () => resolve('interrupted'), { once: true });
      });
      return (await within(seconds, Promise.race([aborted, ready]))) ?? 'late';
    },
    async close() {
      stdin.end();
      if ((await within(2, gone)) === undefined) shell.child?.kill('SIGKILL');
    },
  };
}

/** Undefined if it took longer. */
async function within<T>(seconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function readLogs({ route, folder }: SshPlan): Promise<SshLog[]> {
  return Promise.all(
    route.map(async (waypoint, index) => ({
      waypoint,
      log: await readFile(files.log(folder, index), 'utf8').catch(() => ''),
    })),
  );
}

/** Of a login that failed: ssh does not say which line revokes a key. */
const withLines = (logs: readonly SshLog[], options: SshOptions): Promise<SshLog[]> =>
  Promise.all(
    logs.map(async (log) => ({ ...log, known: await linesOnFile(log.waypoint.settings, options) })),
  );

/** Says which keys ssh has recorded; a key that it accepted and could not record is refused. */
function newKeys(
  logs: readonly SshLog[],
  told: ((sentence: string) => void) | undefined,
): TransportError | undefined {
  for (const { waypoint, log } of logs) {
    const shown: ShownKey = shownKey(log);
    const file = waypoint.settings.newKeysFile ?? 'known_hosts';
    const failed = messages(log).find((row) => row.startsWith('Failed to add the host'));
    if (failed !== undefined) return keyNotRecorded(waypoint.where, shown, file, failed);
    if (/^Warning: Permanently added /m.test(log)) told?.(keyRecorded(waypoint.where, shown, file));
  }
  return undefined;
}
