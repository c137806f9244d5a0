import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '../cli/harden.ts';
import { watchSilence } from '../cli/harden.ts';
import { $ } from '../shell.ts';
import { timed } from '../waits.ts';
import { imageContainer } from './container.ts';
import { type Distribution, testedDistribution } from './distributions.ts';
import { checkRoom, findEngine, startOf } from './engine.ts';
import { type InventoryOptions, inventoryOf } from './inventory.ts';
import { findOrMakeKey } from './key.ts';
import type { Kind } from './kinds.ts';

/** A real host: systemd, sshd, apt and iptables in a container, reached on port 22 of its own address. */
export interface TestHost {
  readonly name: string;
  /** Its address on the bridge; may differ after a boot. */
  readonly ip: string;
  /** The line of its public ssh-ed25519 key. */
  readonly hostKey: string;
  /** The private key that opens admin, operator (sudo password "operator") and nosudo. */
  readonly keyFile: string;
  readonly user: 'admin';
  /** Runs a script inside, past SSH: for looking at the host without being counted. As root unless told. */
  exec(script: string, options?: ExecOptions): Promise<Result>;
  /** As `exec`; gives what it printed, and throws unless it succeeds. */
  must(script: string, options?: ExecOptions): Promise<string>;
  /** Writes a file there, as root. */
  write(path: string, content: string | Buffer): Promise<void>;
  /** Waits until a command of the shell succeeds there. */
  until(condition: string, options?: ExecOptions): Promise<void>;
  /** Installs packages of the distribution, as an administrator would; further options of apt-get may stand before their names. */
  install(packages: string): Promise<void>;
  /** Cuts its power, and waits until it is up again: nothing that runs there gets to end. */
  cutPower(): Promise<void>;
  /** Shuts it down in order and starts it, and waits until it is up again. systemd of Debian 11 leaves `/` read-only then. */
  reboot(): Promise<void>;
  stop(): Promise<void>;
  /** TCP connections that sshd has seen. */
  connections(): Promise<number>;
  /** Logins that sshd has let in. */
  accepted(): Promise<number>;
  /** Commands that sudo has run. */
  sudoCommands(): Promise<number>;
  /** Paths that differ from the image. */
  diff(): Promise<string[]>;
  /** The text of an inventory of this host alone. */
  inventory(options?: InventoryOptions): string;
}

export interface ExecOptions {
  readonly user?: string;
  /** How long it may take, in seconds: 25 unless told. */
  readonly seconds?: number;
}

export interface HostOptions {
  readonly distribution?: Distribution;
  /** What it is already: `bare` unless told. */
  readonly kind?: Kind;
  /** False: a host without /opt/james. */
  readonly james?: boolean;
  /** False: a host on which IPv6 is switched off at every boot. */
  readonly ipv6?: boolean;
  /** File systems of its own in memory: where, and how they are mounted. */
  readonly tmpfs?: Readonly<{ [path: string]: string }>;
  /** An image that a test made of another host, instead of one of a kind. */
  readonly image?: string;
}

/** How long a script on a host may take: one that is stuck is told of within half a minute. In seconds. */
const LIMIT = 25;

/**
 * systemd and sshd are there, and fail2ban has its jails if it runs. Looked at from inside: a connection to port 22
 * would count as one of the attempts that tests count.
 */
const READY = `
until case $(systemctl is-system-running --wait) in running | degraded) ;; *) false ;; esac &&
  ss -Hltn 'sport = :22' | grep -q . &&
  { ! systemctl -q is-active fail2ban ||
    journalctl -q -o cat _SYSTEMD_INVOCATION_ID="$(systemctl show -P InvocationID fail2ban)" | grep -q 'Server ready'; }
do sleep 0.1; done
echo ready`;

/** Functions that scripts of tests may call. */
const PRELUDE = `
# a reload comes back before sshd listens again
reload_sshd() {
  listened=$(sshd_listens); systemctl reload ssh || return
  until [ "$(sshd_listens)" -gt "$listened" ]; do sleep 0.05; done
}
sshd_listens() { journalctl -q -o cat -u ssh | grep -c '^Server listening'; }
`;

const LOG = `systemctl list-jobs --no-legend; systemctl --failed --no-legend; ps -eo pid,etimes,args --sort=etimes | head -n 30
journalctl -q --no-pager -n 30`;

/** What a host says of itself, for the error of a test: it may not even answer. */
async function logOf(container: string): Promise<string> {
  const docker = $({ nothrow: true, timeout: '5s' });
  const [state, words, inside] = await Promise.all([
    docker`docker inspect --format ${'{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}'} ${container}`,
    docker`docker logs --tail 20 ${container}`,
    docker`docker exec ${container} sh -c ${LOG}`,
  ]);
  return [`${container}: ${state.stdout.trim()}`, words.stdout, words.stderr, inside.stdout]
    .join('\n')
    .trim();
}

/** Waits until a container's host is up. */
async function untilReady(name: string): Promise<Container> {
  const since = Date.now();
  for (;;) {
    const container = await inspect(name);
    const left = Math.max(since + LIMIT * 1000 - Date.now(), 1);
    const run = $({ nothrow: true, timeout: left });
    // by what it prints: of a command that it could not yet run the engine says status 0
    if (container && (await run`${enter(container)} sh -c ${READY}`).stdout === 'ready\n') return container;
    const seconds = Math.round((Date.now() - since) / 1000);
    if (!container || seconds >= LIMIT)
      throw new Error(`${name} did not come up: given up after ${seconds} s.\n${await logOf(name)}`);
    await sleep(100);
  }
}

/** The hosts that tests have started here and not stopped. */
const live = new Set<Container>();

/** Packages are being installed, or were a moment ago: that is done in one long step. */
const APT = `pgrep -x 'apt-get|dpkg' || find /var/log/dpkg.log -newermt '-30 seconds' | grep .`;

// a tool that says nothing is stuck, or waits for packages
watchSilence(async () => {
  const hosts = [...live];
  // one that is being booted cannot be asked
  const ask = (host: Container) => execIn(host, APT, { seconds: 10 }).catch(() => ({ code: 1 }));
  const busy = await Promise.all(hosts.map(ask));
  if (busy.some(({ code }) => code === 0)) return undefined;
  return (await Promise.all(hosts.map(({ name }) => logOf(name)))).join('\n\n');
});

/** Starts a host and waits until it can be logged in to. */
export async function startHost(options: HostOptions = {}): Promise<TestHost> {
  return timed('host start', () => createHost(options));
}

async function createHost({
  distribution = testedDistribution(),
  kind = 'bare',
  james = true,
  ipv6 = true,
  tmpfs = {},
  image,
}: HostOptions): Promise<TestHost> {
  await checkRoom(await findEngine());
  const key = await findOrMakeKey();
  const name = `harden-test-${randomBytes(4).toString('hex')}`;
  const started = await (await imageContainer(distribution, image ?? kind))
    .withSystemd(ipv6)
    .withTmpFs(tmpfs)
    .withName(name)
    .withHostname(name)
    .start();
  const container = await untilReady(name).catch(async (error) => {
    await started.stop();
    throw error;
  });
  live.add(container);

  const exec: TestHost['exec'] = (script, options) =>
    timed('script', () => execIn(container, script, options));
  const must: TestHost['must'] = (script, options) =>
    timed('script', async () => (await mustExec(container, script, options)).stdout.trim());
  const count = async (unit: string, pattern: string): Promise<number> =>
    Number(
      await must(
        `journalctl --sync; journalctl --quiet --no-pager --output=cat ${unit} | grep -c -- '${pattern}' || :`,
      ),
    );
  const boot = (down: () => Promise<unknown>) =>
    timed('host start', async () => {
      await down();
      await $`docker start ${name}`;
      Object.assign(container, await untilReady(name));
    });
  const hostKey = await must(`set -e; umask 022
    for user in admin operator nosudo; do echo '${key.authorized.trim()}' >/home/$user/.ssh/authorized_keys; done
    ${james ? '' : 'rm -r /opt/james'}
    cat /etc/ssh/ssh_host_ed25519_key.pub`);

  const host: TestHost = {
    name,
    get ip() {
      return container.ip;
    },
    hostKey,
    keyFile: key.file,
    user: 'admin',
    exec,
    must,
    async write(path, content) {
      await mustExec(container, `cat >'${path}'`, { input: content });
    },
    async until(condition, options) {
      await must(`until ${condition}; do sleep 0.1; done`, options);
    },
    async install(packages) {
      await timed('apt', () =>
        mustExec(
          container,
          `export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && apt-get -qq install ${packages} </dev/null >/tmp/apt 2>&1 || { cat /tmp/apt >&2; exit 1; }; rm /tmp/apt`,
          { seconds: 240 },
        ),
      );
    },
    cutPower: () => boot(() => $`docker kill --signal=KILL ${name}`),
    reboot: () => boot(() => $`docker stop --time=20 ${name}`),
    async stop() {
      live.delete(container);
      await started.stop();
    },
    connections: () => count('--unit=ssh', '^Connection from '),
    accepted: () => count('--unit=ssh', '^Accepted [^ ]* for '),
    sudoCommands: () => count('--identifier=sudo', ' COMMAND='),
    async diff() {
      const { stdout } = await $`docker diff ${name}`;
      return stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => line.slice(2))
        .sort();
    },
    inventory: (options) => inventoryOf([host], options),
  };
  return host;
}

/** Another machine on the same network, with an address of its own. */
export interface Attacker {
  readonly ip: string;
  /**
   * One TCP connection, one SYN: the timeout is shorter than the second after which the kernel would send another,
   * which would count as another try. Refused says that the SYN reached the port (RST) or was rejected aloud (ICMP).
   */
  connect(ip: string, port: number, timeoutMs?: number): Promise<'open' | 'refused' | 'dropped'>;
  /** Whether one echo request is answered within a second. */
  ping(ip: string): Promise<boolean>;
  exec(script: string): Promise<Result>;
  stop(): Promise<void>;
}

export async function startAttacker(distribution: Distribution = testedDistribution()): Promise<Attacker> {
  const container = await timed('host start', async () =>
    (await imageContainer(distribution, 'bare')).withCommand(['sleep', 'infinity']).start(),
  );
  const inside = await inspect(container.getName().replace(/^\//, ''));
  if (!inside) throw new Error(`${container.getName()} ended at once.`);
  const exec = (script: string) => timed('script', () => execIn(inside, script));
  return {
    ip: inside.ip,
    async connect(ip, port, timeoutMs = 900) {
      const { code, stderr } = await exec(
        `timeout ${timeoutMs / 1000} bash -c 'exec 3<>/dev/tcp/${ip}/${port}'`,
      );
      if (code === 0) return 'open';
      if (code === 124) return 'dropped';
      if (stderr.includes('Connection refused')) return 'refused';
      throw new Error(`The connection to ${ip}:${port} failed in an unexpected way: ${stderr.trim()}`);
    },
    async ping(ip) {
      return (await exec(`ping -c 1 -W 1 ${ip}`)).code === 0;
    },
    exec,
    async stop() {
      await container.stop();
    },
  };
}

/** A container as it is now; undefined if it does not run. Fails where the engine does not say. */
async function inspect(name: string): Promise<Container | undefined> {
  const format =
    '{{.State.Running}} {{.State.Pid}} {{.Id}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const { stdout } = await $({ timeout: LIMIT * 1000 })`docker inspect --format ${format} ${name}`;
  const [running, pid = '', id = '', ip = ''] = stdout.trim().split(' ');
  if (running !== 'true') return undefined;
  const start = startOf(pid);
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return { name, ip, init: start !== undefined && groups.includes(id) ? { pid, start } : undefined };
}

const ENVIRONMENT = [
  'HOME=/root',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'container=docker',
];

interface Process {
  readonly pid: string;
  /** When it started: the number alone may be another process's by now. */
  readonly start: string;
}

interface Container {
  readonly name: string;
  /** On the engine's bridge; may be another one after a boot. */
  readonly ip: string;
  /** Its process 1, if this machine can see it: the engine may run elsewhere. It is another one after a boot. */
  readonly init: Process | undefined;
}

/**
 * The words that run a program in a container. Root enters its namespaces, which costs a twentieth of what the engine does for
 * it: the suite runs thousands of scripts. What runs so has all capabilities, as no test asks of it not to.
 */
function enter({ name, init }: Container, user?: string): string[] {
  if (user !== undefined) return ['docker', 'exec', '--interactive', '--user', user, name];
  if (!init || process.getuid?.() !== 0) return ['docker', 'exec', '--interactive', name];
  if (startOf(init.pid) !== init.start) throw new Error(`${name} does not run any more.`);
  return ['nsenter', `--target=${init.pid}`, '--all', 'env', '-i', ...ENVIRONMENT];
}

/** Runs a script in a container. Fails where it takes too long, with what goes on there. */
async function execIn(
  container: Container,
  script: string,
  { seconds = LIMIT, user, input = '' }: ExecOptions & { readonly input?: string | Buffer } = {},
): Promise<Result> {
  const since = Date.now();
  const run = $({ nothrow: true, input })`${enter(container, user)} sh -c ${PRELUDE + script}`;
  let log: string | undefined;
  const late = setTimeout(async () => {
    // while that which is stuck is still there to be seen
    log = await logOf(container.name).catch(String);
    await run.kill('SIGKILL').catch(() => {});
  }, seconds * 1000);
  const { exitCode, stdout, stderr } = await run;
  clearTimeout(late);
  if (Date.now() - since >= seconds * 1000)
    throw new Error(`In ${container.name} this did not end within ${seconds} s: ${script}\n${log ?? ''}`);
  return { code: exitCode ?? -1, stdout, stderr };
}

async function mustExec(
  container: Container,
  script: string,
  options?: Parameters<typeof execIn>[2],
): Promise<Result> {
  const result = await execIn(container, script, options);
  if (result.code !== 0) {
    throw new Error(
      `In ${container.name} this failed with status ${result.code}: ${script}\n${result.stdout}${result.stderr}`,
    );
  }
  return result;
}

/** Logs in as OpenSSH does, and runs a command there. */
export async function login(
  host: Pick<TestHost, 'ip' | 'keyFile'>,
  command: string,
  { user = 'admin', input = '' } = {},
): Promise<Result> {
  const options = [
    'BatchMode=yes',
    'ConnectTimeout=5',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
  ].map((option) => `-o${option}`);
  const ssh = $({ nothrow: true, input });
  const { exitCode, stdout, stderr } =
    await ssh`ssh -F none -i ${host.keyFile} ${options} ${user}@${host.ip} ${command}`;
  return { code: exitCode ?? -1, stdout, stderr };
}
