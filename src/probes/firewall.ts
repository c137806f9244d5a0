import { raw } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present, unreadable } from './probe.ts';

export type Family = 'ipv4' | 'ipv6';
export type Backend = 'nft' | 'legacy';

/** Table `filter` as `iptables-save` prints it: each chain's rules without `-A CHAIN`, in order. */
export interface FilterTable {
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

export interface FamilyTables {
  /** What the host's `iptables` command shows. */
  readonly active: Observed<FilterTable>;
  /** What the other back end holds, which filters too; absent where it holds nothing. */
  readonly other: Observed<FilterTable>;
  /** Table `nat` of the active back end; absent where the kernel has none. */
  readonly nat: Observed<FilterTable>;
}

export interface FirewallState {
  /** `1.8.9`. */
  readonly version: string;
  readonly backend: Backend;
  readonly ipv4: FamilyTables;
  readonly ipv6: FamilyTables & {
    /** Some interface has an IPv6 address. */
    readonly on: boolean;
  };
  /** TCP ports of sshd; absent where there is no sshd. */
  readonly sshPorts: Observed<readonly number[]>;
}

/**
 * What the kernel filters with, and where sshd listens. `iptables` missing is `absent`.
 * Asking a back end can load its kernel module or register its table, which would be a trace: the legacy one is asked
 * only for a table that the kernel lists, the nft one, where it is not the active one, only if its module is there.
 */
export const firewallProbe = defineProbe<'firewall', FirewallState>({
  name: 'firewall',
  key: () => 'firewall',
  script: () =>
    raw(`command -v iptables >/dev/null || { echo none; exit 0; }
section() { name=$1; shift; printf '%s ' "$name"; { "$@" 2>&1; printf '\\n%s' "$?"; } | base64 -w0; echo; }
legacy() { if grep -qsx "\${3:-filter}" "/proc/net/\${1}_tables_names"; then "$2" -t "\${3:-filter}"; fi; }
kernel_has_nft() {
  ! [ -e /proc/modules ] || grep -q '^nf_tables ' /proc/modules ||
    grep -qs '/nf_tables\\.ko$' "/lib/modules/$(uname -r)/modules.builtin"
}
nothing() { :; }
sshd_ports() {
  command -v sshd >/dev/null || return 3
  listening=$(
    # where systemd listens for sshd, its own ports are of no account
    if [ "$(systemctl show -P ActiveState ssh.socket 2>/dev/null)" = active ]; then
      systemctl show -P Listen ssh.socket | sed -n 's/^.*:\\([0-9]*\\) (Stream)$/port \\1/p'
    else sshd -T 2>/dev/null | grep -iE '^(port|listenaddress) '; fi
    # sshd -T needs host keys and /run/sshd, and there may be another one: the port of this login is known anyhow
    set -- $HARDEN_CONNECTION
    [ -z "\${4:-}" ] || echo "login $4"
  )
  echo "$listening"
  [ -n "$listening" ]
}
version=$(iptables -V)
section version echo "$version"
case $version in *nf_tables*) active=nft other=legacy ;; *) active=legacy other=nft ;; esac
for ip in ip ip6; do
  if [ $active = nft ]; then section "$ip-active" "\${ip}tables-save" -t filter
  else section "$ip-active" legacy $ip "\${ip}tables-save"; fi
  if [ $active = nft ]; then section "$ip-nat" "\${ip}tables-save" -t nat
  else section "$ip-nat" legacy $ip "\${ip}tables-save" nat; fi
  if ! command -v "\${ip}tables-$other-save" >/dev/null; then section "$ip-other" nothing
  elif [ $other = legacy ]; then section "$ip-other" legacy $ip "\${ip}tables-legacy-save"
  elif kernel_has_nft; then section "$ip-other" "\${ip}tables-nft-save" -t filter
  else section "$ip-other" nothing; fi
done
section ipv6 grep -q . /proc/net/if_inet6
section sshd sshd_ports`),
  parse(output) {
    const text = output.toString('latin1').trim();
    return new Map([['firewall', text === 'none' ? absent : present(parseState(text))]]);
  },
});

interface Section {
  readonly text: string;
  readonly code: number;
}

function parseState(output: string): FirewallState {
  const sections = new Map<string, Section>();
  for (const line of output.split('\n')) {
    const [name = '', payload = ''] = line.split(' ');
    const body = Buffer.from(payload, 'base64').toString('latin1');
    const end = body.lastIndexOf('\n');
    sections.set(name, { text: body.slice(0, end + 1), code: Number(body.slice(end + 1)) });
  }
  const section = (name: string): Section => {
    const found = sections.get(name);
    if (!found) throw new Error(`the part about ${name} is missing`);
    return found;
  };
  const version = section('version').text;
  return {
    version: /v([\d.]+)/.exec(version)?.[1] ?? '',
    backend: version.includes('nf_tables') ? 'nft' : 'legacy',
    ipv4: {
      active: table(section('ip-active')),
      other: otherTable(section('ip-other')),
      nat: otherTable(section('ip-nat'), 'nat'),
    },
    ipv6: {
      active: table(section('ip6-active')),
      other: otherTable(section('ip6-other')),
      nat: otherTable(section('ip6-nat'), 'nat'),
      on: section('ipv6').code === 0,
    },
    sshPorts: sshPorts(section('sshd')),
  };
}

function table({ text, code }: Section, name = 'filter'): Observed<FilterTable> {
  if (code !== 0) return unreadable(text.trim().slice(-300) || `exit status ${code}`);
  // rules that nft itself made can have a form iptables cannot show: then it shows none at all
  const incompatible = /^.*`(filter|nat)' is incompatible.*$/m.exec(text);
  return incompatible ? unreadable(incompatible[0].replace(/^#\s*/, '')) : present(parseSave(text, name));
}

function otherTable(section: Section, name?: string): Observed<FilterTable> {
  const found = table(section, name);
  return found.state === 'present' && found.value.chains.size === 0 ? absent : found;
}

/** One table in the output of `iptables-save`, without counters and the blank some versions leave at line ends. */
export function parseSave(text: string, name = 'filter'): FilterTable {
  const chains = new Map<string, string[]>();
  let inside = false;
  for (const line of text.split('\n').map((one) => one.trimEnd())) {
    if (line.startsWith('*')) inside = line === `*${name}`;
    if (!inside) continue;
    const chain = /^:(\S+) /.exec(line)?.[1];
    if (chain !== undefined) chains.set(chain, []);
    const rule = /^(?:\[\d+:\d+\] )?-A (\S+)(?: (.*))?$/.exec(line);
    if (rule) chains.get(rule[1]!)?.push(rule[2] ?? '');
  }
  return { chains };
}

/** Where sshd listens: `port` and `listenaddress` lines as `sshd -T` prints them, and the port of the login itself. */
function sshPorts({ text, code }: Section): Observed<readonly number[]> {
  if (code === 3) return absent;
  const of = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => Number(match[1]));
  // a ListenAddress with a port of its own stands beside a `port 22` that does not apply
  const addresses = of(/^listenaddress \S*:(\d+)/gim);
  const listening = addresses.length > 0 ? addresses : of(/^port (\d+)/gim);
  const ports = [...new Set([...listening, ...of(/^login (\d+)/gm)])];
  return ports.length > 0
    ? present(ports.sort((a, b) => a - b))
    : unreadable('sshd -T does not say its ports');
}
