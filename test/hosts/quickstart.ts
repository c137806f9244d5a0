import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../repository.ts';
import { failedLogin, showsBan } from './attack.ts';
import { testedDistribution } from './distributions.ts';
import { claimEngine, removeContainers } from './engine.ts';
import { startAttacker, startHost } from './host.ts';
import { inventoryOf } from './inventory.ts';
import { prepareImages } from './prepared.ts';

/** The guided tour behind `npm run quickstart`: everything it shows happens on a real host, nothing is staged. */
const heading = (text: string) => console.log(`\n\u001b[1m── ${text}\u001b[0m`);
const folder = mkdtempSync(join(tmpdir(), 'harden-quickstart-'));
const inventory = join(folder, 'inventory.yaml');

async function run(wanted: number, ...args: string[]): Promise<void> {
  console.log(`$ harden ${args.join(' ')}`);
  const command = spawn(process.execPath, [join(repository, 'dist/harden.cjs'), ...args], {
    cwd: folder,
    env: { ...process.env, XDG_STATE_HOME: folder },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(command, 'close');
  console.log(`(exit code ${code})\n`);
  if (code !== wanted) process.exitCode = 1;
}

try {
  await claimEngine();
  await prepareImages(testedDistribution(), ['bare']);
  heading('A fresh Debian host with James, but without protection');
  const host = await startHost();
  const text = inventoryOf([{ ...host, name: 'mail1' }], { vars: { ssh_hitcount: 6 } });
  writeFileSync(inventory, text);
  console.log(`inventory.yaml:\n${text.replace(/^(?=.)/gm, '  ')}`);
  await run(2, 'check', 'inventory.yaml');

  heading('Make it so: the firewall change is confirmed by a new login, or the host undoes it');
  await run(0, 'apply', 'inventory.yaml', '--yes');
  await run(0, 'check', 'inventory.yaml');

  heading('An attacker guesses mail passwords: two failures appear in the log of James');
  const attacker = await startAttacker();
  await host.exec(failedLogin(attacker.ip, 2));
  console.log((await host.exec('tail -n 2 /opt/james/log/james.log')).stdout.trim());
  const banned = await showsBan(host, 'james', attacker.ip);
  console.log((await host.exec('fail2ban-client status james')).stdout.trim());
  console.log(banned ? `${attacker.ip} is banned in the kernel.` : `${attacker.ip} was NOT banned.`);
  if (!banned) process.exitCode = 1;

  heading('Another one opens too many connections to port 25');
  const other = await startAttacker();
  for (let attempt = 1; attempt <= 4; attempt++) {
    const dropped = (await other.connect(host.ip, 25)) === 'dropped';
    console.log(`connection ${attempt}: ${dropped ? 'dropped by the limit' : 'passes the limit'}`);
    if (dropped !== (attempt === 4)) process.exitCode = 1;
  }

  heading('Your own host');
  console.log(`In this folder, npm install --global . puts the command \`harden\` on your path. Then, in one of yours:

  harden init               writes an inventory and a playbook: put your host and your own addresses (trusted) into it
  harden check              looks, changes nothing
  harden diff               shows every change
  harden apply              asks, applies, proves
`);
} finally {
  rmSync(folder, { recursive: true });
  await removeContainers();
}
