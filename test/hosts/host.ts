import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedTestContainer } from 'testcontainers';
import { $ } from 'zx';
import type { Result } from '../cli/harden.ts';
import { bridgeAddress, imageContainer } from './container.ts';
import { type Distribution, testedDistribution } from './distributions.ts';
import { type InventoryOptions, inventoryOf } from './inventory.ts';
import { findOrMakeKey } from './key.ts';

/** A real host: systemd, sshd, apt and iptables in a container, reached on port 22 of its own address. */
export interface TestHost {
  readonly name: string;
  /** Its address on the bridge; may differ after `restart`. */
  readonly ip: string;
  /** The line of its public ssh-ed25519 key. */
  readonly hostKey: string;
  /** The private key that opens admin, operator (sudo password "operator") and nosudo. */
  readonly keyFile: string;
  readonly user: 'admin';
  /** Runs a script inside, past SSH: for looking at the host without being counted. As root unless told. */
  exec(script: string, options?: { readonly user?: string }): Promise<Result>;
  /** As `exec`; gives what it printed, and throws unless it succeeds. */
  must(script: string): Promise<string>;
  /** Reboots, and waits until systemd and sshd are there again. */
  restart(): Promise<void>;
  /** As `restart`, but nothing that runs there gets to end: what a power cut does, except to what was not yet on the disk. */
  cutPower(): Promise<void>;
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

export interface HostOptions {
  readonly distribution?: Distribution;
  /** False: a host without /opt/james. */
  readonly james?: boolean;
  /** False: a host on which IPv6 is switched off at every boot. */
  readonly ipv6?: boolean;
  /** File systems of its own in memory: where, and how they are mounted. */
  readonly tmpfs?: Readonly<{ [path: string]: string }>;
  /** An image that was made of another host, instead of the distribution's. */
  readonly image?: string;
}

// looked at from inside: a connection to port 22 would count as one of the attempts that tests count
const READY =
  "case $(systemctl is-system-running) in running | degraded) ss -Hltn 'sport = :22' | grep -q . && echo ready ;; esac";

// by what it prints: the engine says status 0 of a command that it could not yet run
async function untilReady(container: StartedTestContainer): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await execIn(container, READY)).stdout !== 'ready\n') {
    if (Date.now() > deadline) throw new Error(`${container.getName()} did not come up within 60 seconds.`);
    await sleep(100);
  }
}

/** Starts a fresh host and waits until it can be logged in to. */
export async function startHost({
  distribution = testedDistribution(),
  james = true,
  ipv6 = true,
  tmpfs = {},
  image,
}: HostOptions = {}): Promise<TestHost> {
  const key = await findOrMakeKey();
  const name = `harden-test-${randomBytes(4).toString('hex')}`;
  const container = await (await imageContainer(distribution, image))
    .withSystemd(ipv6)
    .withTmpFs(tmpfs)
    .withName(name)
    .withHostname(name)
    .withCopyContentToContainer(
      ['admin', 'operator', 'nosudo'].map((user) => ({
        content: key.authorized,
        target: `/home/${user}/.ssh/authorized_keys`,
        mode: 0o644,
      })),
    )
    .start();
  await untilReady(container);

  const exec: TestHost['exec'] = (script, options) => execIn(container, script, options);
  const count = async (unit: string, pattern: string): Promise<number> => {
    const { stdout } = await mustExec(
      container,
      `journalctl --sync; journalctl --quiet --no-pager --output=cat ${unit} | grep -c -- '${pattern}' || :`,
    );
    return Number(stdout);
  };
  if (!james) await mustExec(container, 'rm -r /opt/james');
  const hostKey = (await mustExec(container, 'cat /etc/ssh/ssh_host_ed25519_key.pub')).stdout.trim();
  let ip = await bridgeAddress(container);

  const host: TestHost = {
    name,
    get ip() {
      return ip;
    },
    hostKey,
    keyFile: key.file,
    user: 'admin',
    exec,
    must: async (script) => (await mustExec(container, script)).stdout.trim(),
    async restart() {
      await container.restart({ timeout: 10_000 });
      await untilReady(container);
      ip = await bridgeAddress(container);
    },
    async cutPower() {
      await $({ quiet: true })`docker kill --signal=KILL ${container.getId()}`;
      await $({ quiet: true })`docker start ${container.getId()}`;
      await untilReady(container);
      ip = await bridgeAddress(container);
    },
    async stop() {
      await container.stop();
    },
    connections: () => count('--unit=ssh', '^Connection from '),
    accepted: () => count('--unit=ssh', '^Accepted [^ ]* for '),
    sudoCommands: () => count('--identifier=sudo', ' COMMAND='),
    async diff() {
      const { stdout } = await $({ quiet: true })`docker diff ${container.getId()}`;
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
  const container = await (await imageContainer(distribution)).withCommand(['sleep', 'infinity']).start();
  const exec = (script: string) => execIn(container, script);
  return {
    ip: await bridgeAddress(container),
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

async function execIn(
  container: StartedTestContainer,
  script: string,
  options: { readonly user?: string } = {},
): Promise<Result> {
  const { exitCode, stdout, stderr } = await container.exec(['sh', '-c', script], options);
  return { code: exitCode, stdout, stderr };
}

async function mustExec(container: StartedTestContainer, script: string): Promise<Result> {
  const result = await execIn(container, script);
  if (result.code !== 0) {
    throw new Error(
      `In ${container.getName()} this failed with status ${result.code}: ${script}\n${result.stderr}`,
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
  const ssh = $({ quiet: true, nothrow: true, input });
  const { exitCode, stdout, stderr } =
    await ssh`ssh -F none -i ${host.keyFile} ${options} ${user}@${host.ip} ${command}`;
  return { code: exitCode ?? -1, stdout, stderr };
}
