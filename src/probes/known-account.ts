import { raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present } from './probe.ts';

export type AccountKey = `user:${string}` | `group:${string}`;

/** Whether a host has a user or a group of a name, wherever it keeps them. */
export const knownAccountProbe = defineProbe<AccountKey, 'known'>({
  name: 'known-account',
  key: (key) => key,
  script: (keys) =>
    sh`for key in ${keys}; do${raw(`
  case $key in user:*) database=passwd ;; *) database=group ;; esac
  ! getent "$database" "\${key#*:}" >/dev/null || echo "$key"
done`)}`,
  parse(output, keys) {
    const known = new Set(output.toString().split('\n'));
    return new Map(
      keys.map((key): [string, Observed<'known'>] => [key, known.has(key) ? present('known') : absent]),
    );
  },
});
