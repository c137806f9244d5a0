import { raw } from '../shell/quote.ts';
import { defineProbe, fields, present } from './probe.ts';

/** Who logged in, and who scripts run as. */
export interface LoginUser {
  /** The login user, before any sudo. */
  readonly user: string;
  /** Its login shell as in passwd; '' if passwd does not say. */
  readonly shell: string;
  /** Scripts run as root. */
  readonly root: boolean;
}

/** The user of the login and its shell. */
export const loginUserProbe = defineProbe<'login-user', LoginUser>({
  name: 'login-user',
  key: () => 'login-user',
  script: () =>
    raw(`user=\${SUDO_USER:-$(id -un)}
printf 'user=%s\\n' "$user"
printf 'shell=%s\\n' "$(getent passwd "$user" | cut -d: -f7)"
echo "uid=$(id -u)"`),
  parse(output) {
    const found = fields(output);
    const value = (name: string) => found.get(name) ?? '';
    return new Map([
      ['login-user', present({ user: value('user'), shell: value('shell'), root: value('uid') === '0' })],
    ]);
  },
});
