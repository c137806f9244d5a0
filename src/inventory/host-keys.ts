import type { SourceDocument } from '../document/document.ts';
import type { Problem } from '../document/problem.ts';
import { quoteBack } from '../document/validate.ts';
import { Host } from './schema.ts';

const { pattern = '', description } = Host.properties.host_key;

/** Keys of an inventory that were cut off in copying, or have another one's end: they fit the pattern of a key's text. */
export async function brokenHostKeys(document: SourceDocument): Promise<Problem[]> {
  const { hosts } = Object(document.value) as { hosts?: unknown };
  const keys = Object.entries(Object(hosts) as object).flatMap(([name, host]): [string, string][] => {
    const key: unknown = Object(host).host_key;
    return typeof key === 'string' && new RegExp(pattern, 'u').test(key) ? [[name, key]] : [];
  });
  if (keys.length === 0) return [];
  // only where a key is pinned: it takes longer to load than a login
  const { parseKey } = (await import('ssh2')).default.utils;
  return keys.flatMap(([name, text]) => {
    const key = parseKey(text);
    const whole =
      'getPublicSSH' in key && key.getPublicSSH().equals(Buffer.from(text.split(' ')[1]!, 'base64'));
    const message = `${quoteBack(text)} is no whole public key`;
    return whole ? [] : [document.problem(['hosts', name, 'host_key'], message, { hint: description })];
  });
}
