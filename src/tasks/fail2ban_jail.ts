import { type Fail2ban, fail2banProbe } from '../probes/fail2ban.ts';
import { type ConfigFile, fail2banConfigProbe } from '../probes/fail2ban-config.ts';
import { fail2banDumpProbe } from '../probes/fail2ban-dump.ts';
import { type FileState, fileProbe } from '../probes/file.ts';
import { type FirewallState, firewallProbe } from '../probes/firewall.ts';
import { jamesProbe } from '../probes/james.ts';
import { ask, type Observed } from '../probes/probe.ts';
import { toolProbe } from '../probes/tool.ts';
import type { Change, SyncFail2ban, WriteFile } from './change.ts';
import { exposure } from './common/attributes.ts';
import { serverFile } from './common/james-proxy.ts';
import { spares } from './common/trusted.ts';
import { blocked, type Obstacle, unseen, wrongKind } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { writeOver } from './common/write.ts';
import { BAN_TOOLS, type BanTool, toolOf } from './fail2ban/actions.ts';
import { filterPath } from './fail2ban/filter-file.ts';
import { foreignSetting } from './fail2ban/foreign.ts';
import { editSection, readSection, unreadableLine } from './fail2ban/ini-section.ts';
import {
  effective,
  HEADER,
  jailFile,
  OVERRIDE_FILE,
  type Placed,
  readBefore,
} from './fail2ban/jail-files.ts';
import { jailRemoval } from './fail2ban/jail-removal.ts';
import { type RunningDrift, runningDrift } from './fail2ban/jail-running.ts';
import { type Surroundings, type WantedSetting, wantedSettings, wordsOf } from './fail2ban/jail-settings.ts';
import { idle, loadingOf, lostByReload, skippedOthers, unloadable } from './fail2ban/loadable.ts';
import { behindProxy } from './fail2ban/proxied.ts';
import { checkJail, filterName, type JailParams, jailSchema, readsSshd } from './fail2ban/schema.ts';
import { defineTask, type Key, type Verdict } from './task.ts';

const TOOLS = Object.keys(BAN_TOOLS) as BanTool[];

const AUTH_LOG = '/var/log/auth.log';

/** One section of fail2ban's configuration, and the jail that runs from it. */
export const fail2banJailTask = defineTask({
  type: 'fail2ban_jail',
  summary: 'A fail2ban jail has these values, in its file and in the running server.',
  schema: jailSchema,
  removal: jailRemoval,
  check: checkJail,
  owns: (params) => [
    `section:${jailFile(params)}#${params.name}`,
    `jail:${params.name}`,
    ...(params.override ? [`section:${OVERRIDE_FILE}#${params.name}` as Key] : []),
  ],
  relies: (params) => ['package:fail2ban', ...partsOf(params).map((path): Key => `file:${path}`)],
  questions: (params) => ({
    folder: ask(fileProbe, { path: '/etc/fail2ban/jail.d', content: 'never' as const }),
    file: ask(fileProbe, { path: jailFile(params), content: 'always' as const }),
    override: params.override ? [ask(fileProbe, { path: OVERRIDE_FILE, content: 'always' as const })] : [],
    filter: params.filter
      ? [ask(fileProbe, { path: filterPath(filterName(params.filter)), content: 'never' as const })]
      : [],
    log: ask(fileProbe, { path: params.logpath ?? AUTH_LOG, content: 'never' as const }),
    config: ask(fail2banConfigProbe, 'jails'),
    dump: ask(fail2banDumpProbe, 'dump'),
    server: ask(fail2banProbe, 'fail2ban'),
    firewall: readsSshd(params) ? [ask(firewallProbe, 'firewall' as const)] : [],
    tools: TOOLS.map((name) => ask(toolProbe, name)),
    smtp: homeOf(params).map((home) =>
      ask(fileProbe, { path: serverFile(home, 'smtp'), content: 'always' as const }),
    ),
    james: homeOf(params).map((home) => ask(jamesProbe, home)),
  }),
  plan(
    params,
    {
      folder,
      file,
      override: [override],
      filter: [filter],
      log,
      config,
      dump,
      server,
      firewall: [firewall],
      tools,
      smtp: [smtp],
      james: [james],
    },
    { promised, managed, facts },
  ) {
    const path = jailFile(params);
    if (folder.state === 'absent' || config.state === 'absent') {
      return { verdict: 'needs', key: 'package:fail2ban', reason: 'fail2ban is not installed' };
    }
    if (folder.state === 'unreadable') return unseen('/etc/fail2ban/jail.d', folder);
    if (config.state === 'unreadable') return unseen("fail2ban's configuration", config);
    if (server.state === 'unreadable') return unseen('the running fail2ban', server);
    if (dump.state === 'unreadable') return unseen('what fail2ban makes of its files', dump);
    const stuck = unusable(path, file) ?? (override && unusable(OVERRIDE_FILE, override));
    if (stuck) return stuck;
    const foreign = foreignSetting(params, config.value, path);
    if (foreign) return blocked(foreign);
    const [home] = homeOf(params);
    const proxy = home && smtp && james ? behindProxy(home, smtp, james) : { notes: [] };
    if ('verdict' in proxy) return proxy;
    const missing =
      params.enabled === false ? undefined : missingPart(params, filter, log, (key) => promised(key));
    if (missing) return missing;
    if (server.state === 'present' && server.value.jails.get(params.name)?.bypassed) {
      return blocked(
        "somebody's rule in the chain f2b-chain of table inet f2b-table lets everybody past the bans, and no restart takes it away; delete it (nft -a list chain inet f2b-table f2b-chain)",
      );
    }
    const powerless = params.enabled === false ? undefined : missingTool(params, config.value, tools);
    if (powerless) return powerless;

    const host = surroundings(params, config.value, log, firewall);
    const wanted = wantedSettings(params, host);
    const text = textOf(file);
    const wrong = wrongSettings(text, params.name, wanted);
    const changes: Change[] = [];
    const reasons: string[] = [];
    const exposed = file.state === 'present' ? exposure(file.value) : undefined;
    if (wrong.length > 0) {
      changes.push(writeSection(path, file, text, params.name, wrong));
      reasons.push(fileReason(text, params.name, wrong));
    }

    const rivals = overrides(path, config.value, params.name, wanted);
    const [rival] = params.override
      ? rivals.filter(({ at }) => !readBefore(at.path, OVERRIDE_FILE) && at.path !== OVERRIDE_FILE)
      : rivals;
    if (rival) {
      const { key, at } = rival;
      return blocked(
        `${at.path}:${at.line} sets ${key} of [${params.name}] to ${at.value || 'nothing'} and overrides ${path}; remove it there${params.override ? '' : ', or set override: true'}`,
      );
    }
    if (rivals.length > 0 && override && override.state !== 'unreadable') {
      const settings = rivals.map(({ setting }) => setting);
      changes.push(writeSection(OVERRIDE_FILE, override, textOf(override), params.name, settings));
      reasons.push(`${rivals.map(({ key, at }) => `${at.path}:${at.line} overrides ${key}`).join(', ')}`);
    }

    const loading = loadingOf(dump, config, server, { promised, managed });
    const mending = changes.length > 0 || partsOf(params).some(loading.promised);
    const unfit =
      unloadable(loading, (jail) => (jail === params.name ? mending : loading.managed(jail))) ??
      idle(loading, params.name, mending);
    if (unfit) return blocked(unfit);

    const drift = jailDrift(params, server, host);
    // a reload leaves the kernel's rule with the old ports
    const restart = drift.restart || (wrong.some(({ key }) => key === 'port') && runs(params.name, server));
    if (changes.length === 0 && drift.reasons.length > 0) reasons.push(...drift.reasons, 'the file is right');
    const lost = changes.length + drift.reasons.length > 0 ? lostByReload(loading) : undefined;
    if (lost) return blocked(lost);
    const notes = [
      ...skippedOthers(loading),
      ...notesOf(params, text, wanted),
      ...selfBan(params, host, facts.operator),
      ...proxy.notes,
    ];
    if (exposed) reasons.push(exposed.summary);
    if (exposed && changes.length === 0 && drift.reasons.length === 0) {
      return { verdict: 'change', reason: exposed.summary, changes: [exposed], notes };
    }
    if (changes.length === 0 && drift.reasons.length === 0) {
      const reason =
        params.enabled === false ? 'it is disabled and does not run' : 'it runs with these values';
      return { verdict: 'ok', reason, notes };
    }
    const sync: SyncFail2ban = {
      kind: 'sync-fail2ban',
      jails: params.enabled === false ? [] : [params.name],
      // -t does not see a regex that does not compile
      filters: params.filter && params.enabled !== false ? [filterPath(filterName(params.filter))] : [],
      restart: restart ? [params.name] : [],
    };
    return {
      verdict: 'change',
      reason: reasons.join('; '),
      changes: [...(exposed ? [exposed] : []), ...changes, sync],
      notes,
    };
  },
});

/** The James that the jail is about; a jail that does not run is about nothing. */
const homeOf = ({ james_home, enabled }: JailParams): string[] =>
  james_home === undefined || enabled === false ? [] : [james_home];

/** Files without which it cannot run. */
const partsOf = ({ filter, logpath }: JailParams): string[] => [
  ...(filter ? [filterPath(filterName(filter))] : []),
  ...(logpath ? [logpath] : []),
];

const textOf = (file: Observed<FileState>): string =>
  file.state === 'present' ? (file.value.content?.toString('latin1') ?? '') : '';

const runs = (name: string, server: Observed<Fail2ban>): boolean =>
  server.state === 'present' && server.value.jails.has(name);

/** Why a file cannot be edited. */
function unusable(path: string, file: Observed<FileState>): Obstacle | undefined {
  if (file.state === 'unreadable') return unseen(path, file);
  if (file.state === 'absent') return undefined;
  if (file.value.kind !== 'file') return wrongKind(path, 'a regular file');
  if (!file.value.content) return blocked(`${path} is too large to be edited; it was left alone`);
  const line = unreadableLine(textOf(file));
  return line
    ? blocked(`${path}:${line} is not a line that fail2ban can read; the file was left alone`)
    : undefined;
}

/** fail2ban does not start at all with a jail whose filter or log is missing. */
function missingPart(
  { filter: name, logpath, backend }: JailParams,
  filter: Observed<FileState> | undefined,
  log: Observed<FileState>,
  promised: (key: Key) => boolean,
): Verdict | undefined {
  if (name && filter) {
    const key: Key = `file:${filterPath(filterName(name))}`;
    if (filter.state === 'unreadable') return unseen(filterPath(filterName(name)), filter);
    if (filter.state === 'absent' && !promised(key)) {
      return { verdict: 'needs', key, reason: `the filter ${filterPath(filterName(name))} does not exist` };
    }
  }
  if (logpath && backend !== 'systemd') {
    const key: Key = `file:${logpath}`;
    if (log.state === 'unreadable') return unseen(logpath, log);
    if (log.state === 'absent' && !promised(key)) {
      return {
        verdict: 'needs',
        key,
        reason: `${logpath} does not exist, and fail2ban would not start without it`,
      };
    }
    if (log.state === 'present' && log.value.kind !== 'file') {
      return blocked(`${logpath} is not a regular file`);
    }
  }
  return undefined;
}

/** A ban action whose program is not there: fail2ban lists the ban, logs an error, and the door stays open. */
function missingTool(
  { name }: JailParams,
  files: readonly ConfigFile[],
  tools: readonly Observed<'there'>[],
): Verdict | undefined {
  const action = effective(files, name, 'banaction') ?? effective(files, 'DEFAULT', 'banaction');
  const tool = action && toolOf(action.value);
  const seen = tool && tools[TOOLS.indexOf(tool)];
  if (!seen || seen.state === 'present') return undefined;
  if (seen.state === 'unreadable') return unseen(tool, seen);
  return {
    verdict: 'needs',
    key: `package:${BAN_TOOLS[tool]}`,
    reason: `bans are made with ${tool} here (${action.path}:${action.line} sets banaction to ${action.value}), and ${tool} is not installed, so nobody would be kept out`,
  };
}

function surroundings(
  params: JailParams,
  files: readonly ConfigFile[],
  log: Observed<FileState>,
  firewall: Observed<FirewallState> | undefined,
): Surroundings {
  const { name, backend } = params;
  // fail2ban's own jail.conf always sets a back end: `auto`, which finds no log here
  const local = files.filter(({ path }) => path !== '/etc/fail2ban/jail.conf');
  const isSet = effective(local, name, 'backend') ?? effective(local, 'DEFAULT', 'backend');
  const readsAuthLog = readsSshd(params) && backend === undefined;
  const sshd = firewall?.state === 'present' ? firewall.value.sshPorts : undefined;
  return {
    defaultIgnoreip: effective(files, 'DEFAULT', 'ignoreip')?.value,
    ignoreip: (effective(files, name, 'ignoreip') ?? effective(files, 'DEFAULT', 'ignoreip'))?.value,
    sshPorts: sshd?.state === 'present' ? sshd.value : [],
    port: effective(files, name, 'port')?.value,
    needsJournal: readsAuthLog && log.state === 'absent' && isSet === undefined,
  };
}

const wrongSettings = (text: string, section: string, wanted: readonly WantedSetting[]): WantedSetting[] => {
  const settings = readSection(text, section);
  return wanted.filter(({ key, same }) => {
    const found = settings?.get(key);
    return !found || !same(found.value);
  });
};

function fileReason(text: string, section: string, wrong: readonly WantedSetting[]): string {
  const settings = readSection(text, section);
  if (!settings) {
    const why = wrong.flatMap(({ why }) => why ?? []);
    return [`there is no section [${section}] in its file`, ...why].join('; ');
  }
  return wrong
    .map(({ key, text: wanted, why }) => {
      const found = settings.get(key);
      if (why) return why;
      if (!found) return `${key} is not set, wanted ${wanted}`;
      return `${key} is ${found.value.replaceAll('\n', ' ') || 'empty'}, wanted ${wanted}`;
    })
    .join(', ');
}

function writeSection(
  path: string,
  file: Observed<FileState>,
  text: string,
  section: string,
  settings: readonly WantedSetting[],
): WriteFile {
  const values = new Map(settings.map(({ key, text }) => [key, text]));
  if (file.state !== 'present') {
    const content = Buffer.from(HEADER + editSection('', section, values), 'latin1');
    return { ...writeOver(path, undefined, content), mode: '0644' };
  }
  return writeOver(path, file.value, Buffer.from(editSection(text, section, values), 'latin1'));
}

/** Settings that a file which fail2ban reads after ours sets to something else. */
function overrides(
  path: string,
  files: readonly ConfigFile[],
  section: string,
  wanted: readonly WantedSetting[],
): { key: string; at: Placed; setting: WantedSetting }[] {
  const later = files.filter((file) => readBefore(path, file.path));
  return wanted.flatMap((setting) => {
    const at = effective(later, section, setting.key);
    return at && !setting.same(at.value) ? [{ key: setting.key, at, setting }] : [];
  });
}

function jailDrift(params: JailParams, server: Observed<Fail2ban>, host: Surroundings): RunningDrift {
  const jail = server.state === 'present' ? server.value.jails.get(params.name) : undefined;
  if (params.enabled === false) {
    return { reasons: jail ? ['the jail runs, but it is disabled'] : [], restart: false };
  }
  if (server.state !== 'present') return { reasons: ['fail2ban is not running'], restart: false };
  return jail ? runningDrift(params, jail, host) : { reasons: ['the jail does not run'], restart: false };
}

function notesOf(params: JailParams, text: string, wanted: readonly WantedSetting[]): string[] {
  const kept = readSection(text, params.name)?.get('ignoreip')?.value;
  if (kept === undefined || wanted.some(({ key }) => key === 'ignoreip')) return [];
  return [
    `${jailFile(params)} ignores ${sentenceList(wordsOf(kept))}; that is kept because trusted is empty`,
  ];
}

/** Whoever administers the host is banned like everybody else. */
function selfBan(params: JailParams, { ignoreip = '' }: Surroundings, operator: string): string[] {
  const { trusted = [], maxretry, findtime, bantime, enabled } = params;
  if (enabled === false || !readsSshd(params)) return [];
  if (spares([...trusted, ...wordsOf(ignoreip)], operator) !== false) return [];
  const [failures, close] = maxretry === 1 ? ['failed login', 'closes'] : ['failed logins', 'close'];
  return [
    `Your address ${operator} is not in trusted: ${maxretry} ${failures} from it within ${inWords(findtime)} ${close} SSH to it for ${inWords(bantime)}. Consider adding it.`,
  ];
}

const inWords = (duration: string | number): string =>
  typeof duration === 'number' || /^\d+$/.test(duration) ? `${duration} s` : duration;
