import { setTimeout as sleep } from 'node:timers/promises';
import { timed } from '../waits.ts';
import type { TestHost } from './host.ts';

/** A script that writes failed logins of James, with the present time, into its live log, as the user James runs as. */
export function failedLogin(address: string, times: number): string {
  const line = `org.apache.james.protocols.smtp.core.esmtp.AuthCmdHandler [ip=] - AUTH method LOGIN failed from Username{localPart=root, domainPart=Optional.empty}@${address}`;
  const write = `printf '%s - %s\\n' "$(date '+%Y-%m-%d %H:%M:%S.%3N %z')" '${line}' >> /opt/james/log/james.log`;
  return `su -s /bin/sh james -c '${Array.from({ length: times }, () => write.replaceAll("'", "'\\''")).join('; ')}'`;
}

/** A script that prints what fail2ban made the kernel hold, with either of the tools it bans with. */
export const KERNEL_BANS =
  "{ iptables-save -t filter | grep -e '-A f2b-'; nft list table inet f2b-table; } 2>/dev/null || :";

/** A script that takes an address out of the kernel behind the back of fail2ban, which has just banned it. */
export const loseBan = (jail: string, address: string): string => `
  for i in $(seq 50); do { ${KERNEL_BANS}; } | grep -qF ${address} && break; sleep 0.2; done
  iptables -D f2b-${jail} -s ${address}/32 -j REJECT --reject-with icmp-port-unreachable 2>/dev/null ||
    nft delete element inet f2b-table addr-set-${jail} '{ ${address} }'`;

/** A script that lets everybody past what fail2ban banned for a jail. */
export const letAllPast = (jail: string): string =>
  `iptables -I f2b-${jail} -j RETURN 2>/dev/null || nft insert rule inet f2b-table f2b-chain accept`;

/** Whether the kernel rejects the address on behalf of the jail, within some seconds. */
export const showsBan = (...args: Parameters<typeof findBan>): Promise<boolean> =>
  timed('fail2ban', () => findBan(...args));

async function findBan(host: TestHost, jail: string, address: string, seconds = 15): Promise<boolean> {
  for (let attempt = 0; attempt < seconds * 2; attempt++) {
    const { stdout } = await host.exec(
      `iptables-save -t filter | grep -F -- '-A f2b-${jail} '; nft list set inet f2b-table addr-set-${jail} 2>/dev/null; :`,
    );
    if (stdout.includes(address)) return true;
    await sleep(500);
  }
  return false;
}
