/** Actions that tell somebody and close nothing. */
const REPORTS =
  /^(dummy|mail|sendmail|smtp|abuseipdb|badips|blocklist_de|complain|dshield|mynetwatchman|xarf)/;

export const bansNobody = (action: string): boolean => REPORTS.test(action);

/** Programs with which ban actions close a door, and the packages that bring them. */
export const BAN_TOOLS = { nft: 'nftables', iptables: 'iptables', ipset: 'ipset' } as const;

export type BanTool = keyof typeof BAN_TOOLS;

/** The program without which a ban action does nothing but fail; undefined for one that is not known. */
export function toolOf(banaction: string): BanTool | undefined {
  if (/^nftables\b/.test(banaction)) return 'nft';
  if (/^iptables-ipset\b/.test(banaction)) return 'ipset';
  return /^iptables\b/.test(banaction) ? 'iptables' : undefined;
}
