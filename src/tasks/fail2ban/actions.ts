/** Actions that tell somebody and close nothing. */
const REPORTS =
  /^(dummy|mail|sendmail|smtp|abuseipdb|badips|blocklist_de|complain|dshield|mynetwatchman|xarf)/;

export const bansNobody = (action: string): boolean => REPORTS.test(action);
