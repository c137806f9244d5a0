import { $ } from '../shell.ts';
import type { TestHost } from './host.ts';

/** A call of a program by the job on a host: the nth with these words. */
export interface Call {
  readonly words: string;
  readonly nth: number;
}

/** Programs that change something or make it last, each call of which is a place to cut. */
const WATCHED =
  'sync mv cp rm mkdir chmod chown systemctl fail2ban-client iptables-restore ip6tables-restore'.split(' ');

/**
 * Stands in the path before the real program. What belongs to the job is written down, and the chosen call waits before it
 * does anything, until somebody lets it go.
 */
const WIRE = `#!/bin/sh
name=\${0##*/}
if [ -e /run/wire ] && grep -q harden-run /proc/self/cgroup; then
  words=$(printf '%s' "$name $*" | tr '\\n' ' ' | sed 's#/var/lib/harden/runs/[0-9a-f]*#RUN#g; s#\\.harden\\.[A-Za-z0-9]\\{6\\}#TEMPORARY#g' | cut -c1-200)
  printf '%s\\n' "$words" >> /run/wire/calls
  if [ "$words" = "$(cat /run/wire/words)" ] && [ "$(grep -cxF -e "$words" /run/wire/calls)" = "$(cat /run/wire/nth)" ]; then
    : > /run/wire/waiting
    while [ -e /run/wire/waiting ]; do sleep 0.02; done
  fi
fi
for folder in /usr/sbin /usr/bin /sbin /bin; do [ ! -x "$folder/$name" ] || exec "$folder/$name" "$@"; done
`;

/** Lays it on a host; it does nothing until `arm`, nor after a reboot. */
export async function layTripwire(host: TestHost): Promise<void> {
  const encoded = Buffer.from(WIRE).toString('base64');
  await host.must(
    `cd /usr/local/sbin; for name in ${WATCHED.join(' ')}; do echo ${encoded} | base64 -d >$name; chmod 755 $name; done`,
  );
}

/** The job that comes next waits before this call; before none, if none is given. */
export async function arm(host: TestHost, call: Call = { words: '', nth: 0 }): Promise<void> {
  const encoded = Buffer.from(call.words).toString('base64');
  await host.must(
    `rm -rf /run/wire; mkdir /run/wire.new; cd /run/wire.new; : >calls; echo ${call.nth} >nth; echo ${encoded} | base64 -d >words; mv /run/wire.new /run/wire`,
  );
}

/** Every call of the job since `arm`. */
export async function calls(host: TestHost): Promise<Call[]> {
  const seen = new Map<string, number>();
  return (await host.must('cat /run/wire/calls')).split('\n').map((words) => {
    const nth = (seen.get(words) ?? 0) + 1;
    seen.set(words, nth);
    return { words, nth };
  });
}

/** Comes back when the job waits at the call; false if it has ended without it. */
export async function waiting(host: TestHost): Promise<boolean> {
  const { code } = await host.exec(
    `began=
    while [ ! -e /run/wire/waiting ]; do
      case $(/bin/systemctl show -P ActiveState harden-run) in
        inactive) [ -z "$began" ] || exit 1 ;;
        *) began=yes ;;
      esac
      sleep 0.1
    done`,
    // a job may install packages and reload fail2ban before
    { seconds: 120 },
  );
  return code === 0;
}

export const release = (host: TestHost): Promise<string> => host.must('rm /run/wire/waiting');

/** An image of what a host is now, for hosts that are all like it. Removed with `removeImage`. */
export async function imageOf(host: TestHost, name: string): Promise<string> {
  await $`docker commit ${host.name} ${name}`;
  return name;
}

export const removeImage = (name: string) => $({ nothrow: true })`docker rmi ${name}`;
