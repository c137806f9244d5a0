import { type Sh, sh } from '../../shell/quote.ts';
import type { InstallPackages } from '../../tasks/change.ts';

/**
 * apt without questions: configuration files of the administrator are kept, a lock is waited for, needrestart only
 * lists. Package lists are fetched if there are none, or if installing from the present ones fails.
 */
export function installPackages({ names }: InstallPackages): Sh {
  return sh`export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
install() {
  apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# an interrupted dpkg has to finish first, or apt refuses to do anything
[ -z "$(dpkg --audit)" ] || dpkg --force-confdef --force-confold --configure -a || :
known() { apt-cache show -- "$@" >/dev/null 2>&1; }
known ${names} || install update || fail "the package lists could not be fetched"
install install -- ${names} || { install update && install install -- ${names}; }`;
}
