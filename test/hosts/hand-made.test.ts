import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepLibrary } from '../../src/engine/steps/library.ts';
import { loadRules, undoRules } from '../../src/engine/steps/load-rules.ts';
import { parseSave } from '../../src/probes/firewall.ts';
import { loadRulesChange } from '../../src/tasks/iptables/batch.ts';
import { publishedRules } from '../../src/tasks/iptables/published.ts';
import { type Attacker, startAttacker, startHost, type TestHost } from './host.ts';
import { record } from './record.ts';

let host: TestHost;
let attacker: Attacker;

/** The guide, followed by hand: its files, its rules one by one, and some of them twice. */
const GUIDE = `
cat >/etc/fail2ban/filter.d/james.conf <<'END'
[Definition]
failregex = ^.-.org.apache.james.protocols.smtp.core.fastfail.AbstractValidRcptHandler.\\[ip=<HOST>\\].-.Rejected message. Unknown user.*$
            ^.-.org.apache.james.protocols.smtp.core.esmtp.AuthCmdHandler.\\[ip=\\].-.AUTH method LOGIN failed from Username.*\\@<HOST>$
ignoreregex =
END
printf '[james]\\nenabled = true\\nfilter = james\\nlogpath = /opt/james/log/james.log\\nbantime = 120m\\nfindtime = 20m\\nmaxretry = 2\\n' >/etc/fail2ban/jail.d/james.conf
pair() {
  iptables -A INPUT "$@" -m recent --set --name $name
  iptables -A INPUT "$@" -m recent --update --seconds $seconds --hitcount $hitcount --name $name -j DROP
}
iptables -A INPUT -s 192.0.2.1 -j DROP
name=DDOS-PING seconds=5 hitcount=6; pair -p icmp
name=DDOS-SSH seconds=60 hitcount=60; pair -p tcp --dport ssh -m state --state NEW
name=DDOS-SMTP seconds=60 hitcount=4; pair -p tcp --dport smtp -m state --state NEW
iptables -A INPUT -s 192.0.2.2 -j DROP
pair -p tcp --dport smtp -m state --state NEW
name=DDOS-POP; pair -p tcp --dport pop3 -m state --state NEW
name=DDOS-IMAP; pair -p tcp --dport 143 -m state --state NEW
# as a file of rules brings it back: another rule to the kernel than one added by hand
iptables-save | iptables-restore`;

const OWN = "iptables -S INPUT | grep -c -e '-s 192.0.2.[12]/32 -j DROP'";
const consent = { vars: { replace_published_rules: true } };

beforeAll(async () => {
  [host, attacker] = await Promise.all([startHost({ kind: 'fail2ban' }), startAttacker()]);
  await host.must(GUIDE);
});
afterAll(() => Promise.all([host?.stop(), attacker?.stop()]));

describe.sequential('a host that was set up by hand after the guide', () => {
  it('is not limited twice without consent, and each rule is named', async () => {
    const rules = await host.must('iptables-save -t filter | grep -v "^[#:]"');
    const seen = await record('check', host.inventory());
    expect(seen.exitCode, seen.text).toBe(3);
    expect(seen.tasks['firewall.limits']).toMatchObject({
      status: 'blocked',
      reason: expect.stringMatching(
        /^12 rules made by hand in INPUT count into DDOS-PING, DDOS-SSH, DDOS-SMTP, DDOS-POP and DDOS-IMAP as well: .*set replace_published_rules: true/,
      ),
    });
    expect(seen.tasks['firewall.limits']?.notes.filter((note) => note.includes('made by hand'))).toHaveLength(
      12,
    );
    const applied = await record('apply', host.inventory());
    expect(applied.exitCode, applied.text).toBe(3);
    expect(await host.must('iptables-save -t filter | grep -v "^[#:]" | grep -v -e f2b-')).toBe(rules);
  });

  it('converges with it: these rules go, others stay', async () => {
    const applied = await record('apply', host.inventory(consent));
    expect(applied.exitCode, applied.text).toBe(0);
    expect(applied.tasks['firewall.limits']?.status).toBe('changed');
    expect(await host.must('iptables -S INPUT | grep -c DDOS || :')).toBe('0');
    expect(await host.must(OWN)).toBe('2');
    const last = await record('check', host.inventory(consent));
    expect(last.exitCode, last.text).toBe(0);
    expect(last.tasks['firewall.limits']?.notes.filter((note) => note.includes('made by hand'))).toEqual([]);
  });

  it('counts each connection once', async () => {
    const tries: string[] = [];
    for (let n = 0; n < 4; n++) tries.push(await attacker.connect(host.ip, 25));
    expect(tries).toEqual(['refused', 'refused', 'refused', 'dropped']);
  });

  it('has them back, each at its place, where the change is undone, loaded or not', async () => {
    await host.must(`iptables -I INPUT 2 -p tcp --dport 25 -m state --state NEW -m recent --set --name DDOS-SMTP
      iptables -A INPUT -p tcp --dport 25 -m state --state NEW -m recent --update --seconds 60 --hitcount 4 --name DDOS-SMTP -j DROP`);
    const saved = await host.must('iptables-save -t filter');
    const table = parseSave(saved);
    const change = loadRulesChange(
      table,
      'HARDEN',
      [{ kind: 'loopback' }],
      'ipv4',
      [],
      publishedRules(table, ['DDOS-SMTP']),
    );
    const rules = () => host.must('iptables -S INPUT; iptables -S HARDEN');
    const before = await rules();
    await host.must(undoRules(change).text);
    expect(await rules()).toBe(before);
    await host.must(`set -e\n${stepLibrary.text}\n${loadRules(change).text}`);
    expect(await host.must('iptables -S INPUT | grep -c DDOS-SMTP || :')).toBe('0');
    await host.must(undoRules(change).text);
    expect(await rules()).toBe(before);
  });
});
