import { CLIENT, PATIENCE, SOCKET } from '../shell/fail2ban-socket.ts';
import { sh } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present, unreadable } from './probe.ts';

/** One running jail. What a version of fail2ban does not tell is undefined or empty. Times are seconds. */
export interface Jail {
  readonly bantime: number | undefined;
  readonly findtime: number | undefined;
  readonly maxretry: number | undefined;
  /** Its threads run: fail2ban 0.11 also lists jails that it never started, after a start with a bad value. */
  readonly started: boolean | undefined;
  /** Files that are watched now. */
  readonly logpath: readonly string[];
  /** As the server uses them: `<ADDR>` and its kind are expanded. */
  readonly failregex: readonly string[];
  readonly ignoreregex: readonly string[];
  readonly ignoreip: readonly string[];
  /** What a line must match before any of the regexes is tried; '' for nothing. */
  readonly prefregex: string;
  /** Lines that are looked at as one. */
  readonly maxlines: number | undefined;
  /** '' for fail2ban's own detectors. */
  readonly datepattern: string;
  /** A program that decides whom to spare; '' for none. */
  readonly ignorecommand: string;
  /** The words of each journal match, joined by blanks. */
  readonly journalmatch: readonly string[];
  readonly actions: readonly JailAction[];
  /** Addresses and networks that `status` lists. */
  readonly banned: readonly string[];
  /** Those of them that the kernel does not enforce (only for actions whose rules we can read). */
  readonly unenforced: readonly string[];
  /** A rule that lets everybody past stands above its bans, in the chain that all jails share under nftables. */
  readonly bypassed: boolean;
}

export interface JailAction {
  readonly name: string;
  readonly port: string | undefined;
}

export interface Fail2ban {
  readonly running: true;
  readonly jails: ReadonlyMap<string, Jail>;
}

/** Prints the state of the server as JSON. */
export const PROGRAM = `${CLIENT}
def run(*words):
    read, write = os.pipe()
    quiet = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_OPEN, 2, '/dev/null', os.O_WRONLY, 0)]
    try: child = os.posix_spawnp(words[0], words, os.environ, file_actions=quiet)
    except OSError: child = None
    os.close(write)
    with open(read, 'rb') as pipe: text = pipe.read().decode('utf-8', 'replace')
    if child is not None and os.waitpid(child, 0)[1] == 0: return text
    return None

def texts(values): return [str(value) for value in values or []]

def bans(jail): return texts(ask('get', jail, 'banip'))

def host(address):
    for suffix in ('/32', '/128'):
        if address.endswith(suffix): return address[:-len(suffix)]
    return address

def chains():
    held, reached, over = {}, set(), set()
    for tool in ('iptables-save', 'ip6tables-save'):
        for line in (run(tool) or '').splitlines():
            words = line.split()
            if len(words) < 4 or words[0] != '-A' or '-j' not in words: continue
            chain, target = (tool, words[1]), words[words.index('-j') + 1]
            passes = target in ('RETURN', 'ACCEPT')
            if not words[1].startswith('f2b-'): reached.add((tool, target))
            # what stands below a rule that lets everybody through bans nobody
            elif words[2] != '-s': over.update([chain] if passes else [])
            elif not passes and chain not in over: held.setdefault(words[1], set()).add((tool, host(words[3])))
    return {chain: {address for tool, address in found if (tool, chain) in reached} for chain, found in held.items()}

bypassed = False

def sets():
    global bypassed
    held, rules, over = {}, '', False
    for item in json.loads(run('nft', '-j', 'list', 'table', 'inet', 'f2b-table') or '{}').get('nftables', []):
        if 'set' in item:
            held[item['set']['name']] = {word(element) for element in item['set'].get('elem', [])}
        if 'rule' in item:
            # what stands below a rule that lets everybody through bans nobody
            over = over or all('accept' in part or 'return' in part or 'counter' in part for part in item['rule']['expr'])
            if not over: rules += json.dumps(item['rule'])
    bypassed = over
    return {name: found for name, found in held.items() if '"@%s"' % name in rules}

def word(element):
    if isinstance(element, dict) and 'elem' in element: element = element['elem'].get('val')
    if isinstance(element, dict) and 'prefix' in element: return '%(addr)s/%(len)s' % element['prefix']
    return str(element)

IPTABLES = ('iptables', 'iptables-multiport', 'iptables-allports', 'iptables-new')
NFTABLES = ('nftables', 'nftables-multiport', 'nftables-allports')

def lost(jails):
    """Bans that are listed but not in the kernel."""
    kinds = {action['name'] for jail in jails.values() if jail['banned'] for action in jail['actions']}
    chain = chains() if kinds.intersection(IPTABLES) else {}
    table = sets() if kinds.intersection(NFTABLES) else {}
    result = {}
    for name, jail in jails.items():
        for action in jail['actions']:
            if action['name'] in IPTABLES: held = chain.get('f2b-' + action['label'], set())
            elif action['name'] in NFTABLES:
                held = table.get('addr-set-' + action['label'], set()) | table.get('addr6-set-' + action['label'], set())
            else: continue
            # a set of nftables holds single addresses: no restart makes it hold a banned network
            missing = [ban for ban in jail['banned'] if ban not in held and not (action['name'] in NFTABLES and '/' in ban)]
            if missing: result[name] = sorted(set(result.get(name, []) + missing))
    return result

def threads():
    """Names of the server's threads; the kernel keeps 15 characters."""
    process = int.from_bytes(server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)
    names = set()
    try:
        for thread in os.listdir('/proc/%d/task' % process):
            with open('/proc/%d/task/%s/comm' % (process, thread)) as file: names.add(file.read().rstrip('\\n'))
    except OSError: pass
    return {name for name in names if name.startswith('f2b/')}

def describe(name):
    actions = []
    for action in texts(ask('get', name, 'actions')):
        # asking for a property that is not there would be an error in fail2ban's log
        known = texts(ask('get', name, 'actionproperties', action))
        get = lambda key: str(ask('get', name, 'action', action, key)) if key in known else None
        actions.append({'name': action, 'label': get('name') or name, 'port': get('port')})
    jail = {key: ask('get', name, key) for key in ('bantime', 'findtime', 'maxretry', 'maxlines')}
    jail['prefregex'] = str(ask('get', name, 'prefregex') or '')
    jail['ignorecommand'] = str(ask('get', name, 'ignorecommand') or '')
    # the pattern, or nothing, and its name
    jail['datepattern'] = ' '.join(str(word) for word in ask('get', name, 'datepattern') or [] if word)
    for key in ('logpath', 'failregex', 'ignoreregex', 'ignoreip'): jail[key] = texts(ask('get', name, key))
    jail['journalmatch'] = [' '.join(texts(words)) for words in ask('get', name, 'journalmatch') or []]
    jail.update(actions=actions, banned=bans(name), unenforced=[], bypassed=False)
    jail['started'] = ('f2b/a.' + name)[:15] in names if names else None
    return jail

def silent():
    print('{"running": true, "silent": true}')
    sys.exit()

try: server.connect(sys.argv[1])
except (FileNotFoundError, ConnectionRefusedError):
    print('{"running": false}')
    sys.exit()
except (socket.timeout, BlockingIOError): silent()
names = threads()
try:
    jails = {name: describe(name) for name in listed()}
except socket.timeout: silent()
if any(jail['banned'] for jail in jails.values()) and lost(jails):
    # a ban reaches the list a moment before it reaches the kernel: only what is still missing now is lost
    time.sleep(0.5)
    for name, jail in jails.items(): jail['banned'] = bans(name)
    for name, missing in lost(jails).items():
        by_sets = any(action['name'] in NFTABLES for action in jails[name]['actions'])
        jails[name].update(unenforced=missing, bypassed=bypassed and by_sets)
close()
print(json.dumps({'running': True, 'jails': jails}, default=str))
`;

/** The running fail2ban: values, regexes, bans and what the kernel holds of them, of all jails at once. */
export const fail2banProbe = defineProbe<'fail2ban', Fail2ban>({
  name: 'fail2ban',
  key: () => 'fail2ban',
  script: () =>
    sh`if [ -S ${SOCKET} ]; then python3 -I -S -c ${PROGRAM} ${SOCKET}; else echo '{"running": false}'; fi`,
  parse: (output) => new Map([['fail2ban', parseServer(output.toString())]]),
});

function parseServer(text: string): Observed<Fail2ban> {
  const said: unknown = JSON.parse(text);
  if (!isRecord(said)) return unreadable('fail2ban answered with something that is not understood');
  if (said.running === false) return absent;
  if (said.silent === true) {
    return unreadable(
      `it runs, and has not answered for ${PATIENCE} s, so it bans nobody new and takes over no change: systemctl restart fail2ban (that takes up to 90 s; the bans that it has noted come back, failures counted below a ban are forgotten)`,
    );
  }
  if (said.running !== true || !isRecord(said.jails))
    return unreadable('fail2ban told nothing about its jails');
  return present({
    running: true,
    jails: new Map(
      Object.entries(said.jails).map(([name, jail]) => [name, parseJail(isRecord(jail) ? jail : {})]),
    ),
  });
}

function parseJail(jail: Record<string, unknown>): Jail {
  return {
    bantime: number(jail.bantime),
    findtime: number(jail.findtime),
    maxretry: number(jail.maxretry),
    maxlines: number(jail.maxlines),
    started: typeof jail.started === 'boolean' ? jail.started : undefined,
    logpath: texts(jail.logpath),
    failregex: texts(jail.failregex),
    ignoreregex: texts(jail.ignoreregex),
    ignoreip: texts(jail.ignoreip),
    prefregex: text(jail.prefregex),
    datepattern: text(jail.datepattern),
    ignorecommand: text(jail.ignorecommand),
    journalmatch: texts(jail.journalmatch),
    actions: list(jail.actions)
      .filter(isRecord)
      .map((action) => ({
        name: String(action.name),
        port: typeof action.port === 'string' ? action.port : undefined,
      })),
    banned: texts(jail.banned),
    unenforced: texts(jail.unenforced),
    bypassed: jail.bypassed === true,
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] => list(value).map(String);
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
