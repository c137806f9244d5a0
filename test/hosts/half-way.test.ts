import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from './host.ts';
import { record } from './record.ts';
import { changed, snapshotOf } from './snapshot.ts';

let host: TestHost;

beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

const run = (command: 'check' | 'apply', vars = {}) => record(command, host.inventory({ vars }));

async function converges(): Promise<void> {
  for (const command of ['apply', 'check'] as const) {
    const result = await run(command);
    expect(result.exitCode, result.text).toBe(0);
  }
}

/** Applies on a host on which that cannot succeed. */
async function leavesAsItWas(vars = {}) {
  const before = await snapshotOf(host);
  const result = await run('apply', vars);
  expect(result.exitCode, result.text).toBe(3);
  expect(changed(before.state, (await snapshotOf(host)).state), result.text).toEqual([]);
  return result;
}

describe.sequential('a fresh host', () => {
  it('without a way to the mirror: a sentence, and nothing changed', async () => {
    const proxy = ['http', 'https'].map((scheme) => `Acquire::${scheme}::Proxy "http://127.0.0.1:9/";`);
    await host.must(
      `rm -rf /var/lib/apt/lists; echo '${proxy.join(' ')} Acquire::Retries "0";' >/etc/apt/apt.conf.d/zz-none`,
    );
    const { tasks } = await leavesAsItWas();
    expect(tasks['fail2ban.installed']).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(
        /^install fail2ban .* failed: .*E: Unable to locate package fail2ban.* W: Failed to fetch .*127\.0\.0\.1/,
      ),
    });
    await host.must('rm /etc/apt/apt.conf.d/zz-none; apt-get -qq update');
  });

  describe('with a small disk under /var', () => {
    beforeAll(async () => {
      // whose own journal would take the room that is left
      await host.must(
        'journalctl --relinquish-var; cp -a /var /dev/shm/var; mv /var /var.disk; ln -s /dev/shm/var /var',
      );
    });
    afterAll(async () => {
      await host.must('rm /var; mv /var.disk /var; rm -r /dev/shm/var; journalctl --flush');
    });

    it('that is full: a sentence, and nothing changed', async () => {
      await host.exec('cat /dev/zero >/var/full');
      const result = await leavesAsItWas();
      expect(result.host.reason).toMatch(/could not begin the run: .*disk full.*This run changed nothing/);
      expect((await run('check')).exitCode).toBe(2);
      await host.must('rm /var/full');
    });

    it('with less room than the packages need: a sentence, and nothing changed', async () => {
      await host.must('cat /dev/zero >/var/full || truncate -s -5M /var/full');
      const { tasks } = await leavesAsItWas();
      expect(tasks['fail2ban.installed']).toMatchObject({
        status: 'failed',
        reason: expect.stringMatching(/enough free space in \/var/),
      });
      await host.must('rm /var/full');
    });
  });

  it('with a package that was unpacked and never configured, and one that was cut off even before that: it converges', async () => {
    await host.must(
      `cd /tmp && apt-get -qq download fail2ban libpython3-stdlib && { dpkg --unpack fail2ban*.deb libpython3*.deb || :; }
      sed -i '/^Package: libpython3-stdlib$/,/^$/ s/^Status: .*/Status: install reinstreq unpacked/' /var/lib/dpkg/status`,
      { seconds: 120 },
    );
    const seen = await run('check');
    expect(seen.exitCode, seen.text).toBe(2);
    expect(seen.tasks['fail2ban.installed']?.reason).toContain('fail2ban is unpacked');
    await converges();
  });
});

describe.sequential('a hardened host', () => {
  it('whose apt is held by somebody else for 20 s: it waits, and converges', async () => {
    await host.must('DEBIAN_FRONTEND=noninteractive apt-get -qq remove fail2ban >/dev/null 2>&1');
    await host.must(
      `systemd-run -q -E DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Pre-Invoke::='sleep 20' install tree
       while [ -z "$(pgrep -x sleep)" ]; do sleep 0.1; done`,
    );
    const seen = await run('check');
    expect(seen.exitCode, seen.text).toBe(2);
    await converges();
    await host.must('dpkg -s tree >/dev/null');
  });

  it('whose fail2ban does not start: a sentence, with what it says itself', async () => {
    await host.must(`mkdir /etc/systemd/system/fail2ban.service.d
      printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c "echo the disk is broken >&2; exit 1"\\n' >/etc/systemd/system/fail2ban.service.d/broken.conf
      systemctl daemon-reload; systemctl stop fail2ban`);
    const { exitCode, tasks, text } = await run('apply');
    expect(exitCode, text).toBe(3);
    expect(tasks['fail2ban.james'], text).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(
        /These jails do not run: sshd james; fail2ban says: .*the disk is broken/,
      ),
    });
    await host.must('rm -r /etc/systemd/system/fail2ban.service.d; systemctl daemon-reload');
    await converges();
  });

  it('whose fail2ban cannot run with the new files: the old ones are back', async () => {
    // the probe cannot know that this action does not exist until fail2ban is told to load it
    await host.must(
      "printf '[james]\\nbanaction = no-such-action\\n' >/etc/fail2ban/jail.d/aaa.conf; fail2ban-client set james maxretry 7",
    );
    const { text } = await leavesAsItWas({ james_findtime: '25m' });
    expect(text).toContain('are back as they were');
    await host.must('rm /etc/fail2ban/jail.d/aaa.conf');
    await converges();
  });
});
