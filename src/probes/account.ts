import { raw } from '../shell/quote.ts';
import { defineProbe, present } from './probe.ts';

/** Who logged in, and who scripts run as. */
export interface Account {
  /** The login user, before any sudo. */
  readonly user: string;
  /** Its login shell as in passwd; '' if passwd does not say. */
  readonly shell: string;
  /** Scripts run as root. */
  readonly root: boolean;
}

/** The user of the login and its shell. */
export const accountProbe = defineProbe<'account', Account>({
  name: 'account',
  key: () => 'account',
  script: () =>
    raw(`user=\${SUDO_USER:-$(id -un)}
echo "user=$user"
echo "shell=$(getent passwd "$user" | cut -d: -f7)"
echo "uid=$(id -u)"`),
  parse(output) {
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(output.toString())?.[1] ?? '';
    return new Map([
      ['account', present({ user: value('user'), shell: value('shell'), root: value('uid') === '0' })],
    ]);
  },
});
