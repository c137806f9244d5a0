/**
 * What counts as a failed login or a guessed recipient in James's log, in the layout that the log4j2 task writes. Each
 * line is anchored at its start on the class that James prints, ends where James itself wrote the address or the text,
 * and is case-sensitive: James lower-cases names, so a forged line inside a name cannot match.
 */
const line = (logger: string, ip: string, message: string): string =>
  `^ - org\\.apache\\.james\\.${logger} \\[ip=${ip}\\] - ${message}$`;

const SMTP = 'protocols\\.smtp\\.core\\.';
/** 3.5 to 3.8 leave the context empty while an authentication is in progress; the address then ends the message. */
const ANY = '[^\\]\\s]*';
const UNKNOWN_USER = 'Rejected message\\. Unknown user: .*';
/** `Username{…}`, since 3.9 inside `Optional[…]`. The last `@` is James's own. */
const USERNAME =
  '(?:Optional\\[)?Username\\{localPart=.*, domainPart=Optional(?:\\.empty|\\[Domain ?: ?[\\w.-]+\\])\\}\\]?';
const AUDIT = 'util\\.AuditTrail(?:\\$Entry)?';

const REGEXES: readonly string[] = [
  line(`${SMTP}fastfail\\.AbstractValidRcptHandler`, '<ADDR>', UNKNOWN_USER),
  line(AUDIT, '<ADDR>', UNKNOWN_USER),
  line(`${SMTP}esmtp\\.AuthCmdHandler`, ANY, `AUTH method [A-Z0-9_-]+ failed from ${USERNAME}@<ADDR>`),
];

/** On 3.9 a second copy of the AuthCmdHandler line, on the development branch the only trace of a failed login. */
const AUDITED_LOGIN = line(AUDIT, '<ADDR>', 'SMTP Authentication failed\\.');

/** The failregexes for one version of James (`3.8.1`, `3.10.0-SNAPSHOT`); undefined means that it is not known. */
export function jamesFailregex(version: string | undefined): readonly string[] {
  return isSince310(version) ? [...REGEXES, AUDITED_LOGIN] : REGEXES;
}

/** Whether failed logins are logged by the audit trail alone. */
export function isSince310(version: string | undefined): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return major !== undefined && (Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 10));
}
