/** What a host already is when a test begins. */
export const KINDS = [
  /** What a plain server has, and James's files; fail2ban and python3 are absent, since installing them is the job. */
  'bare',
  /** With the packages that the shipped playbook installs, as the distribution configures them. */
  'fail2ban',
  /** By the shipped playbook, applied by the tool as it is now, with the variables of `inventoryOf`. */
  'hardened',
  /** With the packages of `fail2ban`, a JDK, log4j2, and in /opt/attack a program that logs as an attacked James does. */
  'log4j2',
] as const;

export type Kind = (typeof KINDS)[number];
