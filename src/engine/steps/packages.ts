import { raw, type Sh, sh } from '../../shell/quote.ts';
import type { InstallPackages } from '../../tasks/change.ts';

/** Seconds that another package manager's lock is waited for. */
const LOCK = raw('300');

/**
 * apt without questions: configuration files of the administrator are kept, a lock is waited for, needrestart only
 * lists. Package lists are fetched if there are none, or if installing from the present ones fails.
 */
export function installPackages({ names }: InstallPackages): Sh {
  return sh`export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
apt() {
  apt-get -y -q -o DPkg::Lock::Timeout=${LOCK} -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# the lock of the lists is one that apt itself does not wait for
update() {
  deadline=$(($(date +%s) + ${LOCK}))
  while :; do
    status=0
    said=$(apt update 2>&1) || status=$?
    case $status$said in
      0*) break ;;
      *'Could not get lock'*) [ "$(date +%s)" -lt "$deadline" ] || break ;;
      *) break ;;
    esac
    sleep 1
  done
  echo "$said"
  return $status
}
# an interrupted dpkg has to finish first, or apt refuses to do anything
[ -z "$(dpkg --audit)" ] || dpkg --force-confdef --force-confold --configure -a || :
known() { apt-cache show -- "$@" >/dev/null 2>&1; }
known ${names} || update || fail "the package lists could not be fetched"
apt install -- ${names} || { update && apt install -- ${names}; }`;
}
