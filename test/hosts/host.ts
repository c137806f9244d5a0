import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GenericContainer } from 'testcontainers';
import { stringify } from 'yaml';
import { $ } from 'zx';
import { type Distribution, image, loginKey } from './image.ts';

/** All containers of one run carry it, and are removed by it. */
export const LABEL = 'harden.test';

const docker = $({ quiet: true, nothrow: true });

/** A container with systemd as process 1. No privileges beyond the network's. */
class SystemdContainer extends GenericContainer {
  constructor(tag: string) {
    super(tag);
    this.createOpts.StopSignal = 'SIGRTMIN+3';
    this.withCommand(['/lib/systemd/systemd'])
      .withTmpFs({ '/run': 'rw', '/run/lock': 'rw' })
      .withAddedCapabilities('NET_ADMIN', 'NET_RAW')
      .withLabels({ [LABEL]: process.env.HARDEN_TEST_RUN ?? 'quickstart' });
    if (existsSync('/sys/fs/cgroup/cgroup.controllers')) {
      // with its own cgroup namespace the container's systemd owns its part of the tree
      Object.assign(this.hostConfig, { CgroupnsMode: 'private', SecurityOpt: ['writable-cgroups=true'] });
    } else this.withBindMounts([{ source: '/sys/fs/cgroup', target: '/sys/fs/cgroup', mode: 'ro' }]);
  }
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real host: systemd, sshd, apt, iptables, in a container. */
export class TestHost {
  readonly id: string;
  readonly keyFile: string;
  /** On the engine's network; this machine reaches it directly. */
  ip = '';
  hostKey = '';

  constructor(id: string, keyFile: string) {
    this.id = id;
    this.keyFile = keyFile;
  }

  /** Runs a shell script inside, as root, past SSH. */
  async exec(script: string, user = 'root'): Promise<Result> {
    const { exitCode, stdout, stderr } = await docker`docker exec -u ${user} ${this.id} sh -c ${script}`;
    return { code: exitCode ?? -1, stdout, stderr };
  }

  /** As `exec`, and throws unless it succeeds. */
  async must(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.exec(script);
    if (code !== 0) throw new Error(`${script} ended with ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Waits until it answers; addresses may be new after a restart. */
  async ready(): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const { stdout } = await this.exec('systemctl is-system-running; ss -Hltn sport = :22');
      if (/^(running|degraded)\n.*:22/.test(stdout)) break;
      if (Date.now() > deadline) throw new Error(`the test host did not come up: ${stdout}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const { stdout } = await docker`docker inspect -f ${'{{.NetworkSettings.IPAddress}}'} ${this.id}`;
    this.ip = stdout.trim();
    this.hostKey = (await this.must('cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
  }

  async restart(): Promise<void> {
    await docker`docker restart ${this.id}`;
    await this.ready();
  }

  async stop(): Promise<void> {
    await docker`docker rm -f -v ${this.id}`;
  }

  /** Lines of sshd's log that hold `text`. */
  async sshLog(text: string): Promise<number> {
    return Number((await this.exec(`journalctl -q -o cat -u ssh | grep -c -F ${`'${text}'`}`)).stdout);
  }

  /** Commands that sudo ran. */
  async sudoCommands(): Promise<number> {
    return Number((await this.exec("journalctl -q -o cat _COMM=sudo | grep -c 'COMMAND='")).stdout);
  }

  /** Paths that differ from the image. */
  async diff(): Promise<string[]> {
    return (await docker`docker diff ${this.id}`).stdout.split('\n').filter(Boolean);
  }

  /** An inventory of this one host; `vars` for the shipped playbook, `host` for the host's own entry. */
  inventory(
    vars: object = {},
    {
      playbook = join(REPOSITORY, 'playbooks/james-fail2ban.yaml'),
      host = {},
    }: { playbook?: string; host?: object } = {},
  ): string {
    const entry = {
      address: this.ip,
      user: 'admin',
      identity_file: this.keyFile,
      host_key: this.hostKey,
      ...host,
    };
    return stringify({ playbook, vars, hosts: { mail1: entry } });
  }
}

export const REPOSITORY = join(import.meta.dirname, '../..');

/** A fresh host. `james: false`: one on which James is not installed. */
export async function startHost({
  distribution = 'debian12',
  james = true,
}: {
  distribution?: Distribution;
  james?: boolean;
} = {}): Promise<TestHost> {
  const keyFile = await loginKey();
  const container = await new SystemdContainer(await image(distribution))
    .withCopyContentToContainer([
      { content: readFileSync(`${keyFile}.pub`), target: '/etc/ssh/test-keys', mode: 0o644 },
    ])
    .start();
  const host = new TestHost(container.getId(), keyFile);
  await host.ready();
  if (!james) await host.must('rm -rf /opt/james');
  return host;
}

/** Another machine of the same network, from which a host can be tried. */
export class Attacker extends TestHost {
  /** `refused` passed the limits, too: the kernel answered. */
  async connect(ip: string, port: number, seconds = 1.5): Promise<'open' | 'refused' | 'dropped'> {
    const { code, stderr } = await this.exec(`timeout ${seconds} bash -c ': > /dev/tcp/${ip}/${port}'`);
    if (code === 0) return 'open';
    if (code === 124) return 'dropped';
    if (stderr.includes('refused')) return 'refused';
    throw new Error(`unexpected answer: ${code} ${stderr}`);
  }

  async ping(ip: string): Promise<boolean> {
    return (await this.exec(`ping -q -c 1 -W 1 ${ip}`)).code === 0;
  }
}

export async function startAttacker(): Promise<Attacker> {
  const host = await startHost();
  return Object.assign(new Attacker(host.id, host.keyFile), { ip: host.ip, hostKey: host.hostKey });
}
