import { GenericContainer } from 'testcontainers';
import type { Distribution } from './distributions.ts';
import { type Engine, findEngine, isRun, LABEL, runId } from './engine.ts';
import { imageName } from './image.ts';
import { KINDS, type Kind } from './kinds.ts';

// its image comes from a registry, which not every network reaches; containers are removed by their label instead
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';

/** A container of an image by its kind or its own name, whose program is whatever `withCommand` says. */
export async function imageContainer(
  distribution: Distribution,
  image: Kind | (string & {}),
): Promise<HostContainer> {
  const name = isKind(image) ? await imageName(distribution, image) : image;
  return new HostContainer(name, await findEngine());
}

const isKind = (image: string): image is Kind => KINDS.some((kind) => kind === image);

/** GenericContainer has no setter for two things that systemd needs: its stop signal and the cgroup namespace. */
export class HostContainer extends GenericContainer {
  private readonly engine: Engine;
  constructor(image: string, engine: Engine) {
    super(image);
    this.engine = engine;
    this.withLabels({ [LABEL]: runId() });
    this.withAddedCapabilities(...CAPABILITIES);
  }

  /** Makes systemd process 1; every boot finds IPv6 switched on or off. */
  withSystemd(ipv6 = true): this {
    this.createOpts.StopSignal = STOP_SIGNAL;
    const cgroup = cgroupAccess(this.engine);
    Object.assign(this.hostConfig, {
      CgroupnsMode: cgroup.namespace,
      Sysctls: { ...SYSCTLS, [IPV6_OFF]: ipv6 ? '0' : '1' },
    });
    if (cgroup.bind)
      this.withBindMounts([{ source: '/sys/fs/cgroup', target: '/sys/fs/cgroup', mode: cgroup.bind }]);
    if (cgroup.security) this.withSecurityOpt(cgroup.security);
    // room for a /var that can be filled
    this.withSharedMemorySize(512 * 2 ** 20);
    return this.withCommand(['/lib/systemd/systemd']).withTmpFs(TMPFS);
  }
}

const CAPABILITIES = ['NET_ADMIN', 'NET_RAW'];
const STOP_SIGNAL = 'SIGRTMIN+3';
const IPV6_OFF = 'net.ipv6.conf.all.disable_ipv6';
// as on most hosts; the engine's default bridge switches it off
const SYSCTLS = { [IPV6_OFF]: '0' };
const TMPFS = {
  '/run': 'rw,nosuid,nodev,noexec,mode=755',
  '/run/lock': 'rw,nosuid,nodev,noexec,mode=1777',
};

/**
 * The same as arguments of `docker create`, for a host that somebody else starts. One that a person starts lasts longer
 * than any run.
 */
export function createArguments(engine: Engine): string[] {
  const cgroup = cgroupAccess(engine);
  return [
    ...(isRun() ? [`--label=${LABEL}=${runId()}`] : []),
    ...CAPABILITIES.map((capability) => `--cap-add=${capability}`),
    `--stop-signal=${STOP_SIGNAL}`,
    `--cgroupns=${cgroup.namespace}`,
    ...(cgroup.bind ? [`--volume=/sys/fs/cgroup:/sys/fs/cgroup:${cgroup.bind}`] : []),
    ...(cgroup.security ? [`--security-opt=${cgroup.security}`] : []),
    ...Object.entries(SYSCTLS).map(([name, value]) => `--sysctl=${name}=${value}`),
    ...Object.entries(TMPFS).map(([path, options]) => `--tmpfs=${path}:${options}`),
  ];
}

interface CgroupAccess {
  readonly namespace: 'host' | 'private';
  readonly bind?: 'ro' | 'rw';
  readonly security?: string;
}

/** How systemd in a container gets at its control groups without --privileged. */
export function cgroupAccess({ version, cgroup }: Engine): CgroupAccess {
  if (cgroup === 1) return { namespace: 'host', bind: 'ro' };
  // Docker 28 can mount a container's own part of the tree writable
  if (Number.parseInt(version, 10) >= 28) return { namespace: 'private', security: 'writable-cgroups=true' };
  // earlier engines cannot: the whole tree is bound, and systemd keeps to its own branch because it sees its real path
  return { namespace: 'host', bind: 'rw' };
}
