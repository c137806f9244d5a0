import type { TestHost } from './host.ts';

/** One thing of a host, such as a file, a chain or a value of a running jail, to what it is like. */
type Things = ReadonlyMap<string, string>;

export interface Snapshot {
  /** What has to be the same again after a repair. */
  readonly state: Things;
  /** Changes whenever somebody writes or starts something, with whatever content. */
  readonly touched: Things;
}

const STATE = `
find /etc /opt/james ! -name ld.so.cache -type f -exec sha256sum {} + | awk '{ print "content " $2 "\\t" $1 }'
find /etc /opt/james ! -type l -printf 'attributes %p\\t%M %u %g\\n'
find /etc -type l -printf 'link %p\\t%l\\n'
for family in ip ip6; do
  for kind in nft legacy; do
    command -v \${family}tables-$kind-save >/dev/null || continue
    # in the order in which jails came to ban, which means nothing
    printf 'rules %s\\t' "$family $kind INPUT"
    \${family}tables-$kind-save -t filter 2>/dev/null | grep -e '^-A INPUT ' | LC_ALL=C sort | tr '\\n' ';'; echo
    printf 'rules %s\\t' "$family $kind HARDEN"
    \${family}tables-$kind-save -t filter 2>/dev/null | grep -e '^-A HARDEN ' | tr '\\n' ';'; echo
  done
done
printf 'bans\\t'
{ iptables-save -t filter | grep -e '-A f2b-.* -s'; nft list table inet f2b-table; } 2>/dev/null |
  grep -oE '([0-9]+\\.){3}[0-9]+' | sort -u | tr '\\n' ' '; echo
for unit in fail2ban harden-limits; do
  printf 'unit %s\\t%s\\n' $unit "$(systemctl show -P ActiveState -P UnitFileState $unit | tr '\\n' ' ')"
done
printf 'packages\\t'; dpkg-query -W -f '\${Package} \${db:Status-Abbrev};'; echo
python3 - 2>/dev/null <<'END'
from fail2ban.client.csocket import CSocket
server = CSocket('/var/run/fail2ban/fail2ban.sock')
names = 'bantime findtime maxretry ignoreip ignorecommand failregex datepattern prefregex maxlines logpath journalmatch actions'
for jail in 'sshd', 'james':
    for name in names.split():
        answer = server.send(['get', jail, name])[1]
        print('jail', jail, name, end='\\t')
        print(repr(sorted(map(str, answer)) if isinstance(answer, (list, set)) else answer))
print('banned', server.send(['banned'])[1], sep='\\t')
END
:`;

const TOUCHED = `
find /etc /opt/james -type f -printf 'file %p\\t%i %T@ %C@\\n'
for unit in fail2ban harden-limits; do
  printf 'start of %s\\t%s\\n' $unit "$(systemctl show -P ActiveEnterTimestampMonotonic $unit)"
done`;

/** What the host is like now. */
export async function snapshotOf(host: TestHost): Promise<Snapshot> {
  // the engine hands it over in pieces, which may end within a character that is not ASCII
  const printed = await host.must(
    `export LC_ALL=C\n{ ${STATE}\necho TOUCHED\n${TOUCHED}\n} | tr '\\200-\\377' '?'`,
  );
  const [state = '', touched = ''] = printed.split('\nTOUCHED\n');
  return { state: things(state), touched: things(touched) };
}

const things = (printed: string): Things =>
  new Map(
    printed
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('\t', 2) as [string, string]),
  );

/** What is not the same in both. */
export const changed = (before: Things, after: Things): string[] =>
  [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));

/** Every file that lasts, with its attributes and content; but for what any use of apt, dpkg and SSH leaves. */
const LISTING = `
lasting() {
  find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/lib/harden -o -path /var/log \\
    -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/systemd \\) -prune -o \\
    ! -path '/var/lib/dpkg/*-old' ! -name ld.so.cache "$@"
}
lasting -printf '%p %M %u %g %l\\n' | sort
lasting -type f -exec sha256sum {} + | sort -k 2`;

/** All that lasts on a host. */
export interface Lasting {
  readonly listing: string;
  readonly snapshot: Snapshot;
}

export const lastingState = async (host: TestHost): Promise<Lasting> => ({
  listing: await host.must(LISTING),
  snapshot: await snapshotOf(host),
});
