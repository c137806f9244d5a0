import { $ } from 'zx';

/** Marks every container of the tests; its value is the run that made it. */
export const LABEL = 'harden.test';

const RUN = 'HARDEN_TEST_RUN';

/** The name of this run, the same in all worker processes: they inherit the environment of the first. */
export function runId(): string {
  process.env[RUN] ??= `${Date.now().toString(36)}-${process.pid}`;
  return process.env[RUN];
}

export interface Engine {
  /** The engine's version, such as "20.10.24+dfsg1". */
  readonly version: string;
  readonly cgroup: 1 | 2;
}

/** The engine that answers. Fails where none does: a run without hosts must not look like one with hosts. */
export async function findEngine(): Promise<Engine> {
  const info = await $({
    quiet: true,
    nothrow: true,
  })`docker info --format ${'{{.ServerVersion}} {{.CgroupVersion}}'}`;
  const [version, cgroup] = info.stdout.trim().split(' ');
  if (info.exitCode !== 0 || !version) {
    throw new Error(
      `No Docker engine answers, so no host can be started. Run "sh test/prepare" first. ${info.stderr.trim()}`,
    );
  }
  return { version, cgroup: cgroup === '2' ? 2 : 1 };
}

/** Removes the containers of a run, running or not. */
export async function removeContainers(run: string = runId()): Promise<void> {
  const { stdout } = await $({ quiet: true })`docker ps --all --quiet --filter label=${LABEL}=${run}`;
  const containers = stdout.split('\n').filter(Boolean);
  if (containers.length > 0) await $({ quiet: true })`docker rm --force --volumes ${containers}`;
}
