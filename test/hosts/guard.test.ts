import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { login, startHost, type TestHost } from './host.ts';
import { isPart, rowsFor } from './long.ts';
import { record, statuses } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  // for its nft
  host = await startHost({ kind: 'fail2ban' });
  await host.must('systemctl -q disable --now fail2ban');
  await host.must(
    "nft add table inet own '{ chain c { type filter hook input priority 5; counter packets 0 bytes 0; }; }'",
  );
  // so that only rules differ: a rollback leaves the table that did not exist before
  await host.must(
    'for tool in iptables ip6tables; do for chain in INPUT FORWARD OUTPUT; do $tool -P $chain ACCEPT; done; done',
  );
});
afterAll(() => host?.stop());

const RULES =
  "nft list tables | grep inet; nft -s list table inet own; iptables-save | grep -v '^#' | sed 's/ \\[.*//'; ip6tables-save | grep -v '^#' | sed 's/ \\[.*//'";

/** A guarded command of the user's own, and a file that has nothing to do with it. */
const playbook = (command: string, unless = 'test -e /etc/firewall-is-done') => ({
  'playbook.yaml': stringify({
    name: 'somebody else’s firewall',
    tasks: [
      { id: 'other', name: 'another file', file: { path: '/etc/other', content: 'new\n' } },
      { id: 'firewall', name: 'a firewall', command: { run: command, unless, guarded: true } },
    ],
  }),
});
const inventory = () => host.inventory({ playbook: 'playbook.yaml' });
const args = ['--confirm-timeout', '10'];

/** Commands that let nobody in any more. */
const CLOSED: readonly (readonly [name: string, command: string])[] = [
  [
    'new connections to SSH dropped',
    'iptables -I INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP',
  ],
  ['everything dropped', 'iptables -F; iptables -P INPUT DROP; iptables -P OUTPUT DROP'],
  ['SSH rejected', 'iptables -A INPUT -p tcp --dport 22 --syn -j REJECT --reject-with tcp-reset'],
  [
    'everything dropped by nft, in a table of its own',
    "nft add table inet shut '{ chain c { type filter hook input priority 0; policy drop; }; }'",
  ],
  [
    'new connections dropped by nft, in a table that was there',
    'nft add rule inet own c tcp dport 22 ct state new drop',
  ],
];

describe('a ruleset that would cut SSH off', () => {
  it.each(rowsFor(CLOSED))('is undone by the host: %s', async (_name, command) => {
    await host.must('rm -f /etc/other; iptables -A INPUT -s 192.0.2.9 -j DROP');
    const before = await host.must(RULES);
    const result = await record('apply', inventory(), { args, files: playbook(command) });
    expect(result.exitCode, result.text).toBe(4);
    expect(result.host.status).toBe('rolled-back');
    expect(statuses(result)).toEqual({ other: 'changed', firewall: 'rolled-back' });
    expect(result.tasks.firewall?.reason).toContain('so the host put firewall rules');
    const { runs } = (await record('log', inventory())).host;
    const stands = { changes: 1, undone: 0, tasks: ['other'], unconfirmed: ['firewall'] };
    expect(runs?.at(-1)).toMatchObject({ state: 'rolled back', ...stands });
    expect(await host.must(RULES)).toBe(before);
    expect((await login(host, 'true')).code).toBe(0);
    expect(await host.must('cat /etc/other')).toBe('new');
  });

  it.skipIf(isPart)('is undone although the job that waits is killed', async () => {
    const before = await host.must(RULES);
    const files = playbook('iptables -I INPUT -p tcp --dport 22 --syn -j DROP');
    const running = record('apply', inventory(), { args: ['--confirm-timeout', '60'], files });
    await host.must(
      'cd /var/lib/harden/runs; until [ -e current/pending ] && grep -q "guard waiting" current/journal; do sleep 0.1; done',
    );
    expect((await login(host, 'true')).code).toBe(255);
    await host.must('systemctl kill --signal=KILL harden-run');
    expect((await running).exitCode).toBe(4);
    expect(await host.must(RULES)).toBe(before);
    expect((await login(host, 'true')).code).toBe(0);
  });
});

describe('a ruleset that lets the operator in', () => {
  it('is confirmed by a new login, and stays', async () => {
    const connections = await host.connections();
    const command =
      'iptables -N OURS && iptables -A INPUT -p tcp --dport 2222 -j DROP && touch /etc/firewall-is-done';
    const result = await record('apply', inventory(), { args, files: playbook(command) });
    expect(result.exitCode, result.text).toBe(0);
    expect(await host.must('iptables -S INPUT')).toContain('--dport 2222 -j DROP');
    expect(await host.connections()).toBe(connections + 2);
    expect(await host.must('ls /var/lib/harden/runs/current')).toContain('confirmed');
  });

  it('that fails is undone at once', async () => {
    const before = await host.must(RULES);
    const command = 'iptables -P INPUT DROP && false';
    const result = await record('apply', inventory(), { args, files: playbook(command, 'false') });
    expect(result.exitCode, result.text).toBe(4);
    expect(result.tasks.firewall).toMatchObject({ status: 'rolled-back' });
    expect(await host.must(RULES)).toBe(before);
  });
});

describe('programs in /usr/local', () => {
  it.skipIf(isPart)('that a change broke do not keep the host from undoing it', async () => {
    await host.must('echo "# none" >/etc/sudoers.d/zz; chmod 440 /etc/sudoers.d/zz');
    const files = {
      'playbook.yaml': stringify({
        name: 'a login without sudo',
        tasks: [
          {
            id: 'rule',
            name: 'a rule',
            file: { path: '/etc/sudoers.d/zz', content: 'admin ALL=(ALL) !ALL\n', mode: '0440' },
          },
          {
            id: 'cp',
            name: 'a broken cp',
            command: {
              run: "printf '#!/bin/sh\\nexit 1\\n' >/usr/local/bin/cp; chmod 755 /usr/local/bin/cp",
              creates: '/usr/local/bin/cp',
              guarded: true,
            },
          },
        ],
      }),
    };
    const result = await record('apply', inventory(), { args, files });
    expect(statuses(result), result.text).toEqual({ rule: 'rolled-back', cp: 'rolled-back' });
    expect(result.tasks.rule?.reason).not.toContain('could not be put back');
    expect(await host.must('rm /usr/local/bin/cp; cat /etc/sudoers.d/zz; rm /etc/sudoers.d/zz')).toBe(
      '# none',
    );
    expect((await login(host, 'sudo -n id -u')).stdout).toBe('0\n');
  });

  it('that keep the rules put them back', async () => {
    // its own build of iptables, of the other back end
    await host.must(
      'for name in iptables iptables-save iptables-restore; do ln -s /usr/sbin/xtables-legacy-multi /usr/local/sbin/$name; done',
    );
    try {
      const legacy = "iptables-legacy-save | sed '/^#/d; s/ \\[.*//'";
      const before = await host.must(`iptables -A INPUT -s 192.0.2.8 -j DROP; ${legacy}`);
      const files = playbook('iptables -I INPUT -p tcp --dport 22 --syn -j DROP', 'false');
      const result = await record('apply', inventory(), { args, files });
      expect(result.exitCode, result.text).toBe(4);
      expect(await host.must(legacy)).toBe(before);
      expect(await host.must('iptables-nft-save')).not.toContain('192.0.2.8');
    } finally {
      await host.must('iptables -F INPUT; rm /usr/local/sbin/iptables*');
    }
  });
});
