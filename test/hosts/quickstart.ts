import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failedLogin, showsBan } from './attack.ts';
import { harden } from './cli.ts';
import { removeContainers } from './engine.ts';
import { startAttacker, startHost } from './host.ts';

/** The guided tour behind `npm run quickstart`: everything it shows happens on a real host, nothing is staged. */
const heading = (text: string) => console.log(`\n\u001b[1m── ${text}\u001b[0m`);
const folder = mkdtempSync(join(tmpdir(), 'harden-quickstart-'));
const inventory = join(folder, 'inventory.yaml');

async function run(...args: string[]): Promise<void> {
  console.log(`$ harden ${args.join(' ')}`);
  const { code, stdout, stderr } = await harden(args, {
    env: { FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
    cwd: folder,
  });
  process.stdout.write(stdout);
  process.stdout.write(stderr.replace(/^/gm, '  ').trimEnd());
  console.log(`\n(exit code ${code})`);
}

try {
  heading('A fresh Debian host with James, but without protection');
  const host = await startHost();
  writeFileSync(inventory, host.inventory({ vars: { ssh_hitcount: 30 } }));
  await run('check', 'inventory.yaml');

  heading('Make it so: the firewall change is confirmed by a new login, or the host undoes it');
  await run('apply', 'inventory.yaml', '--yes');
  await run('check', 'inventory.yaml');

  heading('An attacker guesses mail passwords: two failures appear in the log of James');
  const attacker = await startAttacker();
  await host.exec(failedLogin(attacker.ip, 2));
  console.log((await host.exec('tail -n 2 /opt/james/log/james.log')).stdout.trim());
  const banned = await showsBan(host, 'james', attacker.ip);
  console.log((await host.exec('fail2ban-client status james')).stdout.trim());
  console.log(banned ? `${attacker.ip} is banned in the kernel.` : `${attacker.ip} was NOT banned.`);

  heading('Another one opens too many connections to port 25');
  const other = await startAttacker();
  for (let attempt = 1; attempt <= 4; attempt++) {
    const seen = await other.connect(host.ip, 25);
    console.log(`connection ${attempt}: ${seen === 'dropped' ? 'dropped by the limit' : 'passes the limit'}`);
  }

  heading('Your own host');
  console.log(`Copy inventory/example.yaml, put your host and your own addresses (trusted) into it, then:

  node dist/harden.cjs check your-inventory.yaml      looks, changes nothing
  node dist/harden.cjs diff your-inventory.yaml       shows every change
  node dist/harden.cjs apply your-inventory.yaml      asks, applies, proves
`);
} finally {
  rmSync(folder, { recursive: true });
  await removeContainers();
}
