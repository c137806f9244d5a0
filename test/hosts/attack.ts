import { setTimeout as sleep } from 'node:timers/promises';
import type { TestHost } from './host.ts';

/** A script that writes failed logins of James, with the present time, into its live log, as the user James runs as. */
export function failedLogin(address: string, times: number): string {
  const line = `org.apache.james.protocols.smtp.core.esmtp.AuthCmdHandler [ip=] - AUTH method LOGIN failed from Username{localPart=root, domainPart=Optional.empty}@${address}`;
  const write = `printf '%s - %s\\n' "$(date '+%Y-%m-%d %H:%M:%S.%3N %z')" '${line}' >> /opt/james/log/james.log`;
  return `su -s /bin/sh james -c '${Array.from({ length: times }, () => write.replaceAll("'", "'\\''")).join('; ')}'`;
}

/** Whether the kernel rejects the address on behalf of the jail, within some seconds. */
export async function showsBan(
  host: TestHost,
  jail: string,
  address: string,
  seconds = 15,
): Promise<boolean> {
  for (let attempt = 0; attempt < seconds * 2; attempt++) {
    const { stdout } = await host.exec(
      `iptables-save -t filter | grep -F -- '-A f2b-${jail} '; nft list table inet f2b-table 2>/dev/null; :`,
    );
    if (stdout.includes(address)) return true;
    await sleep(500);
  }
  return false;
}
