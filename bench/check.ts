import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { harden } from '../test/cli/harden.ts';
import { testedDistribution } from '../test/hosts/distributions.ts';
import { claimEngine, removeContainers } from '../test/hosts/engine.ts';
import { startHost } from '../test/hosts/host.ts';
import { inventoryOf } from '../test/hosts/inventory.ts';
import { prepareImages } from '../test/hosts/prepared.ts';

/** How long a look at a host that is as wanted takes, beside the least that any look over SSH can take. */
const ROUNDS = 15;
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'harden-bench-'));

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function row(name: string, times: readonly number[], base: number): string {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const figures = [sorted[0]!, median, sorted.at(-1)!].map((time) => `${time.toFixed(2)} s`);
  return [name.padEnd(24), ...figures, `${(median / base).toFixed(1)} ×`].join('  ');
}

try {
  await claimEngine();
  await prepareImages(testedDistribution(), ['hardened']);
  const host = await startHost({ kind: 'hardened' });
  writeFileSync(join(folder, 'known_hosts'), `${host.ip} ${host.hostKey}\n`);
  writeFileSync(join(folder, 'inventory.yaml'), inventoryOf([host], { vars: { ssh_hitcount: 255 } }));
  const check = async (command: string, code: number, ...flags: string[]) => {
    const result = await harden([command, 'inventory.yaml', ...flags], { cwd: folder });
    if (result.code !== code)
      throw new Error(`harden ${command} ended with ${result.code}: ${result.stderr}`);
  };
  const login = ['-i', host.keyFile, '-o', `UserKnownHostsFile=${join(folder, 'known_hosts')}`];
  const times: Record<'ssh' | 'check' | 'verify', number[]> = { ssh: [], check: [], verify: [] };
  for (let round = 0; round < ROUNDS; round++) {
    times.ssh.push(await seconds(() => run('ssh', [...login, `${host.user}@${host.ip}`, 'sudo', 'true'])));
    times.check.push(await seconds(() => check('check', 0)));
    times.verify.push(await seconds(() => check('verify', 0)));
  }
  const base = times.ssh.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  console.log(
    `${ROUNDS} rounds, whole processes: least, median, most, and the median's ratio to the first row`,
  );
  console.log(row('ssh HOST sudo true', times.ssh, base));
  console.log(row('harden check', times.check, base));
  console.log(row('harden verify', times.verify, base));
} finally {
  rmSync(folder, { recursive: true });
  await removeContainers();
}
