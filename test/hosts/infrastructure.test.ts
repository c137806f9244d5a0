import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from 'zx';
import { type Attacker, startAttacker, startHost, type TestHost } from './host.ts';

let host: TestHost;
let attacker: Attacker;
beforeAll(async () => {
  [host, attacker] = await Promise.all([startHost(), startAttacker()]);
});
afterAll(() => Promise.all([host?.stop(), attacker?.stop()]));

/** If these fail, nothing that the other tests say about hosts can be believed. */
describe('a test host', () => {
  it('lets the OpenSSH client in and knows sudo', async () => {
    const known = `${host.ip} ${host.hostKey}`;
    const options = [
      '-o',
      `KnownHostsCommand=/bin/echo ${known}`,
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      'BatchMode=yes',
    ];
    const { stdout } = await $({
      quiet: true,
    })`ssh ${options} -i ${host.keyFile} admin@${host.ip} sudo id -u`;
    expect(stdout.trim()).toBe('0');
    expect(await host.sshLog('Connection from')).toBe(1);
  });

  it('has xt_recent, and another machine can be limited', async () => {
    await host.must('iptables -A INPUT -p tcp --dport 99 -m recent --name x --set');
    await host.must(
      'iptables -A INPUT -p tcp --dport 99 -m recent --name x --update --seconds 60 --hitcount 2 -j DROP',
    );
    expect(await attacker.connect(host.ip, 99)).toBe('refused');
    expect(await attacker.connect(host.ip, 99)).toBe('dropped');
    expect(await attacker.connect(host.ip, 22)).toBe('open');
    expect(await attacker.ping(host.ip)).toBe(true);
  });

  it('comes back from a restart, with an empty firewall', async () => {
    await host.restart();
    expect(await host.must('iptables -S INPUT')).toBe('-P INPUT ACCEPT');
    expect(await attacker.connect(host.ip, 22)).toBe('open');
  });
});
