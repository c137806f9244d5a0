import { type FileState, fileProbe } from '../probes/file.ts';
import { type Family, type FilterTable, type FirewallState, firewallProbe } from '../probes/firewall.ts';
import { ask, type Observed } from '../probes/probe.ts';
import { unitProbe } from '../probes/systemd.ts';
import { isObstacle, joined } from './common/part.ts';
import { blocked, type Obstacle, unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { sha256 } from './common/write.ts';
import { chainRules, followsSshd, listName, portsOf, tooFewSessions } from './iptables/chain.ts';
import { kernelPart, otherBackendDrift } from './iptables/kernel.ts';
import { lastingPart } from './iptables/lasting.ts';
import { notesOf } from './iptables/notes.ts';
import {
  DIRECTORY,
  LOADER,
  loaderFile,
  MANAGERS,
  RULES,
  rulesFile,
  UNIT,
  UNIT_FILE,
  UNIT_TEXT,
} from './iptables/persisted.ts';
import { countsProxy, serverFiles } from './iptables/proxied.ts';
import { nameRules, type PublishedRule, publishedRules } from './iptables/published.ts';
import { redirected } from './iptables/redirected.ts';
import { limitsRemoval } from './iptables/removal.ts';
import { parseRule } from './iptables/rule.ts';
import { broughtBack, loadedAtBoot, SAVED, savedNotes, savedPart } from './iptables/saved.ts';
import { CHAIN, check, type Params, schema } from './iptables/schema.ts';
import { defineTask } from './task.ts';

/** Connection limits per source address, checked before anything accepts. */
export const iptablesRecentTask = defineTask({
  type: 'iptables_recent',
  summary:
    "A source that opens too many connections is dropped (iptables recent): one chain of our own in both families, reached from the top of INPUT, loaded again at boot. Nobody else's rules are touched.",
  schema,
  removal: limitsRemoval,
  check,
  owns: ({ chain = CHAIN }) => [
    `chain:${chain}`,
    `file:${DIRECTORY}`,
    `file:${RULES.ipv4}`,
    `file:${RULES.ipv6}`,
    `file:${LOADER}`,
    `file:${UNIT_FILE}`,
    `unit:${UNIT}`,
  ],
  relies: () => ['package:iptables'],
  questions: ({ chain = CHAIN, james_home }) => ({
    firewall: ask(firewallProbe, 'firewall' as const),
    directory: ask(fileProbe, { path: DIRECTORY, content: 'never' as const }),
    // what they shall hold depends on the ports of sshd, which are not known yet
    ipv4: ask(fileProbe, { path: RULES.ipv4, content: 'always' as const }),
    ipv6: ask(fileProbe, { path: RULES.ipv6, content: 'always' as const }),
    loader: ask(fileProbe, { path: LOADER, content: { unless: sha256(loaderFile(chain)) } }),
    unitFile: ask(fileProbe, { path: UNIT_FILE, content: { unless: sha256(UNIT_TEXT) } }),
    unit: ask(unitProbe, UNIT),
    managers: MANAGERS.map((name) => ask(unitProbe, name)),
    plugins: SAVED.map(({ plugin }) => ask(fileProbe, { path: plugin, content: 'never' as const })),
    saved: SAVED.map(({ path }) => ask(fileProbe, { path, content: 'always' as const })),
    servers: (james_home === undefined ? [] : serverFiles(james_home)).map((path) =>
      ask(fileProbe, { path, content: 'always' as const }),
    ),
  }),
  plan(params, seen, { facts }) {
    const {
      chain = CHAIN,
      trusted = [],
      ipv6 = true,
      limits,
      replace_published_rules = false,
      james_home,
    } = params;
    if (seen.firewall.state === 'unreadable') return unseen('The firewall', seen.firewall);
    if (seen.firewall.state === 'absent') {
      return { verdict: 'needs', key: 'package:iptables', reason: 'there is no iptables on this host' };
    }
    const state = seen.firewall.value;
    const sshPorts = usableSshPorts(params, state);
    if ('verdict' in sshPorts) return sshPorts;
    const notes = notesOf(params, state, sshPorts, facts.operator, seen.managers);
    const former = formerChain(seen.ipv4, state, chain);
    if (former) return { ...former, notes };
    const foreign = foreignChain(seen.ipv4, state, chain);
    if (foreign) return { ...foreign, notes };
    const every = limits.flatMap((limit) => [listName(limit, 'ipv4'), listName(limit, 'ipv6')]);
    const made = (['ipv4', 'ipv6'] as const).map((family) => ({
      family,
      rules: publishedIn(state[family].active, every),
      elsewhere: publishedIn(state[family].other, every),
    }));
    const stuck = replace_published_rules
      ? made.flatMap(({ elsewhere }) => elsewhere)
      : made.flatMap(({ rules, elsewhere }) => [...rules, ...elsewhere]);
    notes.push(
      ...made.flatMap(({ family, rules, elsewhere }) => nameRules([...rules, ...elsewhere], family)),
    );
    const saved = loadedAtBoot(seen.managers, seen.plugins, seen.saved);
    notes.push(...savedNotes(saved, every));
    if (stuck.length > 0) return { ...handMade(stuck, replace_published_rules), notes };
    const returning = replace_published_rules ? undefined : broughtBack(saved, every);
    if (returning) return { ...returning, notes };
    const ports = [
      ...new Set(limits.flatMap((limit) => (limit.protocol === 'tcp' ? portsOf(limit, sshPorts) : []))),
    ];
    const away = (['ipv4', 'ipv6'] as const).flatMap((family) => {
      const { nat } = state[family];
      if (nat.state !== 'present' || (family === 'ipv6' && !ipv6)) return [];
      return redirected(nat.value, ports);
    });
    if (away[0]) {
      const { port, to, rule } = away[0];
      return {
        ...blocked(
          `connections to port ${port} go to ${to} before INPUT sees them (table nat: "${rule}"), so a limit on port ${port} does nothing; limit where they arrive, or take the row of that port out of the limits`,
        ),
        notes,
      };
    }
    const proxied = james_home ? countsProxy(james_home, seen.servers, ports) : undefined;
    if (proxied) return { ...proxied, notes };
    // IPv6 limits that are no longer wanted are emptied, where there are any
    const known = (family: Family) => seen[family].state !== 'absent';
    const families: Family[] =
      state.ipv6.on && (ipv6 || known('ipv6') || holds(state, 'ipv6', chain)) ? ['ipv4', 'ipv6'] : ['ipv4'];
    const wanted = (family: Family) =>
      family === 'ipv6' && !ipv6 ? [] : chainRules(limits, trusted, family, sshPorts);
    const lists = (family: Family) => limits.map((limit) => listName(limit, family));
    const found = joined([
      // the kernel first: what makes it last follows once a new login has confirmed it
      ...families.map((family) =>
        kernelPart(
          state,
          family,
          chain,
          wanted(family),
          lists(family),
          made.find((one) => one.family === family)?.rules ?? [],
        ),
      ),
      savedPart(saved, every),
      lastingPart(
        seen.directory,
        [
          ...families
            .filter((family) => wanted(family).length > 0 || known(family))
            .map((family) => ({
              path: RULES[family],
              text: rulesFile(chain, wanted(family), family),
              mode: '0600',
              seen: seen[family],
            })),
          { path: LOADER, text: loaderFile(chain), mode: '0700', seen: seen.loader },
        ],
        seen.unitFile,
        seen.unit,
        // the unit's loader takes the chain out of the other back end
        families.flatMap((family) => otherBackendDrift(state, family, chain)),
      ),
    ]);
    if (isObstacle(found)) return { ...found, notes };
    const { reasons, changes } = found;
    if (changes.length === 0) {
      return { verdict: 'ok', reason: `all ${limits.length} limits are in force and loaded at boot`, notes };
    }
    return { verdict: 'change', reason: reasons.join('; '), changes, notes };
  },
});

const publishedIn = (table: Observed<FilterTable>, lists: readonly string[]): PublishedRule[] =>
  table.state === 'present' ? publishedRules(table.value, lists) : [];

/** Rules made by hand after the guide, without consent to take them away, or where this cannot do so. */
function handMade(rules: readonly PublishedRule[], consented: boolean): Obstacle {
  const lists = sentenceList([...new Set(rules.map(({ list }) => list))]);
  return blocked(
    `${rules.length} rules made by hand in INPUT count into ${lists} as well: with both, every connection counts twice and half as many pass; ${consented ? 'these stand in the other back end, so take them away yourself (iptables-legacy or iptables-nft -S INPUT shows them)' : 'set replace_published_rules: true to have exactly these taken away'}`,
  );
}

const holds = (state: FirewallState, family: Family, chain: string): boolean => {
  const { active } = state[family];
  return active.state === 'present' && active.value.chains.has(chain);
};

/** The chain that a file of rules fills. */
const chainOf = (file: Observed<FileState>): string | undefined =>
  /^:([A-Za-z0-9_.-]+) /m.exec(
    (file.state === 'present' && file.value.content?.toString('latin1')) || '',
  )?.[1];

/** Somebody else's chain of this name: no file of ours fills it, and it holds what we never write. */
function foreignChain(file: Observed<FileState>, state: FirewallState, chain: string): Obstacle | undefined {
  if (chainOf(file) === chain) return undefined;
  for (const family of ['ipv4', 'ipv6'] as const) {
    const { active } = state[family];
    const held = active.state === 'present' ? (active.value.chains.get(chain) ?? []) : [];
    const rule = held.find((spec) => !parseRule(spec, family));
    if (rule === undefined) continue;
    return blocked(
      `a chain ${chain} stands in the ${family} rules already, and it is not one of limits ("${rule}"); give the task another name with chain, or take that chain away`,
    );
  }
  return undefined;
}

/** Limits of an earlier run in a chain of another name: they would count every connection once more. */
function formerChain(file: Observed<FileState>, state: FirewallState, chain: string): Obstacle | undefined {
  const former = chainOf(file);
  if (former === undefined || former === chain || !holds(state, 'ipv4', former)) return undefined;
  const remove = (tool: string) =>
    `${tool} -D INPUT -j ${former}; ${tool} -F ${former}; ${tool} -X ${former}`;
  return blocked(
    `the chain ${former} of earlier limits is in force and would count every connection once more; keep chain: ${former}, or take it away first: ${remove('iptables')}; ${remove('ip6tables')}`,
  );
}

/** The ports of sshd, unless the limits cannot be loaded with them. */
function usableSshPorts({ limits }: Params, { sshPorts }: FirewallState): readonly number[] | Obstacle {
  const follower = limits.find(followsSshd);
  if (sshPorts.state === 'unreadable') return unseen('The ports of sshd', sshPorts);
  if (sshPorts.state === 'absent') {
    if (!follower) return [];
    return blocked(
      `${follower.name} follows the ports of sshd, and this host has no sshd; give the row its ports`,
    );
  }
  const ports = sshPorts.value;
  const low = limits.flatMap((limit) => tooFewSessions(limit, ports) ?? [])[0];
  if (low) return blocked(`${low} (sshd listens on ${sentenceList(ports.map(String))})`);
  if (follower && ports.length > 15) {
    return blocked(
      `sshd listens on ${ports.length} ports, but one rule takes 15; give ${follower.name} its ports`,
    );
  }
  return ports;
}
