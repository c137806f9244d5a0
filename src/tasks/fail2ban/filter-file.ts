import { escapeValue } from './ini-section.ts';

/** Where a filter stands, or what overrides it. */
export const filterPath = (name: string, suffix: 'conf' | 'local' = 'conf'): string =>
  `/etc/fail2ban/filter.d/${name}.${suffix}`;

/** A whole filter file; several regexes stand one a line, indented to one column. */
export function filterFile(failregex: readonly string[], ignoreregex: readonly string[]): Buffer {
  const setting = (key: string, regexes: readonly string[]) =>
    `${`${key} = ${regexes.map(escapeValue).join(`\n${' '.repeat(key.length + 3)}`)}`.trimEnd()}\n`;
  return Buffer.from(
    `# Managed by harden: changes made here are overwritten.\n\n[Definition]\n${setting('failregex', failregex)}${setting('ignoreregex', ignoreregex)}`,
  );
}
