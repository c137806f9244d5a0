import { raw } from '../shell/quote.ts';
import { absent, defineProbe, present } from './probe.ts';

/** sshd's effective settings for this login, by lower-case keyword; of those given several times the first. */
export type SshdSettings = ReadonlyMap<string, string>;

/**
 * What `sshd -T` says for the login user and the operator's address. Absent where there is no sshd; unreadable where
 * sshd does not take its own configuration.
 */
export const sshdProbe = defineProbe<'sshd', SshdSettings>({
  name: 'sshd',
  key: () => 'sshd',
  script: () =>
    raw(`command -v sshd >/dev/null || exit 0
address=\${HARDEN_CONNECTION%% *}
sshd -T -C "user=\${SUDO_USER:-$(id -un)},host=\${address:-localhost},addr=\${address:-127.0.0.1}"`),
  parse(output) {
    const settings = new Map<string, string>();
    for (const line of output.toString().split('\n')) {
      const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
      if (keyword !== undefined && !settings.has(keyword)) settings.set(keyword.toLowerCase(), value ?? '');
    }
    return new Map([['sshd', settings.size === 0 ? absent : present(settings)]]);
  },
});
