import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../repository.ts';
import { $ } from '../shell.ts';

/** Marks every container and image of a run; its value is the run that made it. */
export const LABEL = 'harden.test';

const RUN = 'HARDEN_TEST_RUN';

/** When a process started, in ticks since this machine did; none if there is no such process. Source: proc(5), stat, field 22. */
export function startOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // one that nobody waits for is over all the same
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** Where process numbers mean the same: this boot of this machine, or a container on it. */
const processSpace = createHash('sha256')
  .update(readFileSync('/proc/sys/kernel/random/boot_id'))
  .update(readlinkSync('/proc/self/ns/pid'))
  .digest('hex')
  .slice(0, 8);

/** The name of this run, the same in all worker processes: they inherit the environment of the first. It names the process. */
export function runId(): string {
  process.env[RUN] ??= `${process.pid}-${startOf(String(process.pid))}-${processSpace}`;
  return process.env[RUN];
}

/** Whether this process belongs to a run, or has begun one. */
export const isRun = (): boolean => process.env[RUN] !== undefined;

/** No run takes longer. */
const HALF_A_DAY = 12 * 3600_000;

/** Whether the process of a run is gone. Of a run elsewhere, or before this machine was booted, only its age is known. */
function isOver({ run, created }: Container): boolean {
  const [pid = '', start, space] = run.split('-');
  return space === processSpace ? startOf(pid) !== start : Date.now() - created > HALF_A_DAY;
}

export interface Engine {
  /** The engine's version, such as "20.10.24+dfsg1". */
  readonly version: string;
  readonly cgroup: 1 | 2;
  /** Where it keeps its data. */
  readonly folder: string;
}

let found: Promise<Engine> | undefined;

/** The engine that answers. Fails where none does: a run without hosts must not look like one with hosts. */
export function findEngine(): Promise<Engine> {
  found ??= askEngine().catch((error) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function askEngine(): Promise<Engine> {
  const format = '{{.ServerVersion}} {{.CgroupVersion}} {{.DockerRootDir}}';
  const info = await $({ nothrow: true })`docker info --format ${format}`;
  const [version, cgroup, folder] = info.stdout.trim().split(' ');
  if (info.exitCode !== 0 || !version || !folder) {
    throw new Error(
      `No Docker engine answers, so no host can be started. Run "sh test/prepare" first. ${info.stderr.trim()}`,
    );
  }
  return { version, cgroup: cgroup === '2' ? 2 : 1, folder };
}

/**
 * Makes the engine ready for a run: what an earlier one left goes, there is room, and whatever this one makes goes
 * with it, even if it is killed.
 */
export async function claimEngine(): Promise<void> {
  if (isRun()) return;
  const engine = await findEngine();
  await removeLeftovers();
  await checkRoom(engine, ROOM_TO_BEGIN);
  // outlives this process by some seconds: a killed run cannot clean up
  spawn(
    'sh',
    [join(repository, 'test/hosts/reap'), ...runId().split('-').slice(0, 2), `${LABEL}=${runId()}`],
    {
      detached: true,
      stdio: 'ignore',
    },
  ).unref();
}

const MIB = 2 ** 20;
/** A run fills about 2 GiB; a host needs some of it when it starts. In MiB. */
const ROOM_TO_BEGIN = 3000;
const ROOM_FOR_A_HOST = 500;

/** Fails where a disk that hosts are made on has less room than this many MiB. */
export async function checkRoom(engine: Engine, needed: number = ROOM_FOR_A_HOST): Promise<void> {
  for (const folder of [engine.folder, tmpdir()]) {
    const disk = await statfs(folder).catch(() => undefined);
    // an engine on another machine has its disk there
    if (!disk) continue;
    const left = Math.floor((disk.bavail * disk.bsize) / MIB);
    if (left < needed) {
      throw new Error(
        `No room on the disk: ${folder} has ${left} MiB left, and ${needed} MiB are needed. Make room ("docker rmi $(docker images --quiet 'harden-test-*')" removes images that can be made again) and run this again.`,
      );
    }
  }
}

interface Container {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly run: string;
  /** In milliseconds since 1970. */
  readonly created: number;
}

async function listContainers(): Promise<Container[]> {
  const format = `{{.ID}}\t{{.Names}}\t{{.Status}}\t{{.Label "${LABEL}"}}\t{{.CreatedAt}}`;
  const { stdout } = await $`docker ps --all --no-trunc --filter label=${LABEL} --format ${format}`;
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', name = '', status = '', run = '', created = ''] = line.split('\t');
      return { id, name, status, run, created: Date.parse(created.replace(/ [A-Z]+$/, '')) };
    });
}

/** Removes the containers of runs that are over, and says so. Fails if one cannot be removed: it would take memory and processor from the tests. */
export async function removeLeftovers(): Promise<void> {
  for (const { id, name, status, run } of (await listContainers()).filter(isOver)) {
    const { exitCode, stderr } = await $({
      nothrow: true,
      timeout: '15s',
    })`docker rm --force --volumes ${id}`;
    if (exitCode !== 0 && !/No such container|already in progress/.test(stderr)) {
      const { stdout } = await $({ nothrow: true, timeout: '5s' })`docker logs --tail 20 ${id}`;
      throw new Error(
        `${name} (${status}) was left by run ${run}, which is over, and cannot be removed: ${stderr.trim() || 'the engine does not answer'}. Remove it or restart the engine, and run this again. Its last words:\n${stdout}`,
      );
    }
    console.warn(`Removed ${name} (${status}), which run ${run} had left: it ended without cleaning up.`);
  }
}

/** Removes the containers of this run, running or not. */
export async function removeContainers(): Promise<void> {
  const containers = (await listContainers()).filter(({ run }) => run === runId());
  if (containers.length > 0) await $`docker rm --force --volumes ${containers.map(({ id }) => id)}`;
}
