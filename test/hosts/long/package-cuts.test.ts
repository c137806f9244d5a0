import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startHost } from '../host.ts';
import { rounds, seed } from '../long.ts';
import { applying, record } from '../record.ts';

/** Lines that dpkg logged while it unpacked and configured everything, undisturbed; the last ones are of its triggers. */
async function linesOfAll(): Promise<number> {
  const host = await startHost({ kind: 'hardened' });
  const lines = Number(await host.must('wc -l </var/log/dpkg.log'));
  await host.stop();
  return lines;
}

it('the power is cut while packages are installed: what is owed is named, and the next run finishes it', async () => {
  const max = (await linesOfAll()) - 10;
  const places = fc.sample(fc.integer({ min: 1, max }), { seed: seed(), numRuns: rounds(1, 8) });
  for (const lines of places) {
    const host = await startHost();
    const tool = await applying(host.inventory());
    await host.must(
      `: >>/var/log/dpkg.log
      until [ "$(wc -l </var/log/dpkg.log)" -ge ${lines} ]; do sleep 0.02; done
      # it stops at once, and the power goes a moment later
      pkill -STOP -x 'dpkg|dpkg-deb'`,
      { seconds: 120 },
    );
    await host.cutPower();
    tool.kill('SIGKILL');

    const check = await record('check', host.inventory());
    const where = `cut after ${lines} lines of dpkg's log: ${check.text}`;
    expect(check.exitCode, where).toBe(2);
    expect(check.host.notes?.join('\n'), where).toContain('was cut off before its end');
    // the power may go when all is there but for the last triggers
    const names = ['fail2ban', 'python3-systemd', 'nftables'];
    // dpkg-query fails when it does not know one of them yet, and still tells of the others
    const { stdout } = await host.exec(`dpkg-query -W -f '\${db:Status-Status}\\n' ${names.join(' ')}`);
    const installed = stdout.split('\n').filter((status) => status === 'installed');
    expect(check.tasks['fail2ban.installed']?.status === 'ok', where).toBe(installed.length === names.length);
    for (const command of ['apply', 'check'] as const) {
      const result = await record(command, host.inventory());
      expect(result.exitCode, `${where}\n${result.text}`).toBe(0);
    }
    await host.stop();
    console.log(`cut after ${lines} lines of dpkg's log, and finished`);
  }
}, 3600_000);
