import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import { readSection, type Setting } from './ini-section.ts';
import type { JailParams } from './schema.ts';

/** The head of a file that harden makes for a section. */
export const HEADER = '# Settings made by harden; other settings and sections in this file are kept.\n\n';

/** The file that holds the jail's section. */
export const jailFile = ({ name, file }: Pick<JailParams, 'name' | 'file'>): string =>
  file ?? `/etc/fail2ban/jail.d/${name}.conf`;

/** Where our own settings win over other files. */
export const OVERRIDE_FILE = '/etc/fail2ban/jail.d/zz-harden.local';

/** fail2ban reads jail.conf, jail.d/*.conf, jail.local, jail.d/*.local, each group by name; what comes later wins. */
export function readBefore(a: string, b: string): boolean {
  const group = (path: string) => Number(path.endsWith('.local')) * 2 + Number(path.includes('/jail.d/'));
  return group(a) === group(b) ? a < b : group(a) < group(b);
}

/** A setting and the file it stands in. */
export interface Placed extends Setting {
  readonly path: string;
}

/** The value that counts of one key of one section, over files in their order. */
export function effective(files: readonly ConfigFile[], section: string, key: string): Placed | undefined {
  return files
    .flatMap(({ path, text }) => {
      const setting = readSection(text, section)?.get(key);
      return setting ? [{ ...setting, path }] : [];
    })
    .at(-1);
}
