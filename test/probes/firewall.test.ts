import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FirewallState, firewallProbe, parseSave } from '../../src/probes/firewall.ts';
import type { Observed } from '../../src/probes/probe.ts';

const GOLDEN = join(import.meta.dirname, 'firewall');
const golden = (name: string) => readFileSync(join(GOLDEN, `${name}.txt`), 'utf8');

describe('parseSave', () => {
  it('reads one table from every version and back end', () => {
    const texts = readdirSync(GOLDEN);
    expect(texts).toHaveLength(12);
    for (const version of ['v4', 'v6']) {
      const tables = texts
        .filter((name) => name.endsWith(`.${version}.txt`))
        .map((name) => Object.fromEntries(parseSave(readFileSync(join(GOLDEN, name), 'utf8')).chains));
      for (const table of tables) expect(table).toEqual(tables[0]);
      expect(tables[0]).toMatchObject({ FORWARD: [], OUTPUT: [] });
      expect(tables[0]!.HARDEN).toHaveLength(version === 'v4' ? 11 : 10);
    }
  });

  it('leaves out counters, other tables and blanks at line ends', () => {
    const text =
      '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT\nCOMMIT\n*filter\n:INPUT DROP [3:4]\n[7:8] -A INPUT -j ONE \n-A INPUT\nCOMMIT\n';
    expect(parseSave(text).chains).toEqual(new Map([['INPUT', ['-j ONE', '']]]));
  });

  it('reads nothing where nothing was printed', () => {
    expect(parseSave('').chains.size).toBe(0);
  });
});

/** Runs the probe's script against commands that stand in for the real ones. */
describe('firewallProbe', () => {
  let bin: string;
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'firewall-'));
  });
  afterEach(() => rmSync(bin, { recursive: true }));

  const command = (name: string, code: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${code}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const look = (connection = ''): Observed<FirewallState> => {
    const { stdout, stderr, status } = spawnSync('sh', ['-s'], {
      input: firewallProbe.script(['firewall']).text,
      env: { PATH: `${bin}:/usr/bin:/bin`, LC_ALL: 'C', HARDEN_CONNECTION: connection },
    });
    expect(stderr.toString()).toBe('');
    expect(status).toBe(0);
    return firewallProbe.parse(stdout, ['firewall']).get('firewall')!;
  };
  const nft = () => {
    command('iptables', 'echo "iptables v1.8.9 (nf_tables)"');
    command('iptables-save', `cat ${join(GOLDEN, '1.8.9-nft.v4.txt')}`);
    command('ip6tables-save', 'echo "ip6tables-save: cannot do that" >&2; exit 3');
  };
  const value = (seen: Observed<FirewallState>) => {
    if (seen.state !== 'present') throw new Error(seen.state);
    return seen.value;
  };

  it('says absent where there is no iptables', () => {
    expect(look()).toEqual({ state: 'absent' });
  });

  it('reads each family on its own', () => {
    nft();
    const { version, backend, ipv4, ipv6 } = value(look());
    expect({ version, backend }).toEqual({ version: '1.8.9', backend: 'nft' });
    expect(ipv4).toEqual({
      active: { state: 'present', value: parseSave(golden('1.8.9-nft.v4')) },
      other: { state: 'absent' },
      nat: { state: 'absent' },
    });
    expect(ipv6.active).toEqual({ state: 'unreadable', why: 'ip6tables-save: cannot do that' });
  });

  it('never asks the legacy back end for a table that the kernel does not list', () => {
    command('iptables', 'echo "iptables v1.8.7 (legacy)"');
    for (const name of ['iptables-save', 'ip6tables-save', 'iptables-legacy-save']) {
      command(name, `echo asked > ${join(bin, 'asked')}`);
    }
    expect(value(look()).backend).toBe('legacy');
    // a machine whose kernel really has legacy tables is asked, rightly
    const listed =
      spawnSync('grep', ['-qsx', 'filter', '/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'])
        .status === 0;
    expect(readdirSync(bin).includes('asked')).toBe(listed);
  });

  it('does not take rules that iptables cannot show for no rules', () => {
    nft();
    command('iptables-save', "echo \"# Table \\`filter' is incompatible, use 'nft' tool.\"");
    expect(value(look()).ipv4.active).toEqual({
      state: 'unreadable',
      why: "Table `filter' is incompatible, use 'nft' tool.",
    });
  });

  it.each([
    ['port 22\nlistenaddress [::]:22\nlistenaddress 0.0.0.0:22', '', [22]],
    ['port 22\nlistenaddress 0.0.0.0:2222\nlistenaddress 10.0.0.1:222', '', [222, 2222]],
    ['Port 2200\nPort 22', '', [22, 2200]],
    // the port of the login is one in any case
    ['port 22', '192.0.2.9 40000 192.0.2.1 2022', [22, 2022]],
    ['port 22\nlistenaddress 0.0.0.0:2222', '192.0.2.9 40000 192.0.2.1 2222', [2222]],
  ])('reads the ports of sshd from %j', (text, connection, ports) => {
    nft();
    command('sshd', `printf '%s\\n' '${text}'`);
    expect(value(look(connection)).sshPorts).toEqual({ state: 'present', value: ports });
  });

  it('reads the ports from systemd where it listens for sshd', () => {
    nft();
    command('sshd', 'echo port 22');
    command(
      'systemctl',
      `case "$*" in *ActiveState*) echo active ;; *Listen*) printf '%s\\n' '0.0.0.0:2222 (Stream)' '[::]:2222 (Stream)' '/run/x (Stream)' ;; esac`,
    );
    expect(value(look()).sshPorts).toEqual({ state: 'present', value: [2222] });
    command('systemctl', 'echo inactive');
    expect(value(look()).sshPorts).toEqual({ state: 'present', value: [22] });
  });

  it('knows the port of its own login where sshd -T fails', () => {
    nft();
    command('sshd', 'echo "Missing privilege separation directory: /run/sshd" >&2; exit 255');
    expect(value(look('192.0.2.9 40000 192.0.2.1 2022')).sshPorts).toEqual({
      state: 'present',
      value: [2022],
    });
    expect(value(look()).sshPorts).toEqual({ state: 'unreadable', why: 'sshd -T does not say its ports' });
  });

  it('says absent where there is no sshd', () => {
    nft();
    expect(value(look('192.0.2.9 40000 192.0.2.1 2022')).sshPorts).toEqual({ state: 'absent' });
  });

  it('refuses an answer that lacks a part', () => {
    expect(() => firewallProbe.parse(Buffer.from('version aXB0YWJsZXMKMA==\n'), ['firewall'])).toThrow(
      /ip-active is missing/,
    );
  });
});
