import { type Fail2ban, fail2banProbe } from '../probes/fail2ban.ts';
import { type ConfigFile, fail2banConfigProbe } from '../probes/fail2ban-config.ts';
import { fail2banDumpProbe } from '../probes/fail2ban-dump.ts';
import { type FileState, fileProbe } from '../probes/file.ts';
import { firewallProbe } from '../probes/firewall.ts';
import { jamesProbe } from '../probes/james.ts';
import { type Answers, ask, type Observed } from '../probes/probe.ts';
import { type UnitState, unitProbe } from '../probes/systemd.ts';
import { toolProbe } from '../probes/tool.ts';
import type { SyncFail2ban } from './change.ts';
import { exposure } from './common/attributes.ts';
import { serverFile } from './common/james-proxy.ts';
import { isObstacle, joined, type Part } from './common/part.ts';
import { spares } from './common/trusted.ts';
import { blocked, type Obstacle, unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { BAN_TOOLS, type BanTool, toolOf } from './fail2ban/actions.ts';
import { filterPath } from './fail2ban/filter-file.ts';
import { foreignSetting } from './fail2ban/foreign.ts';
import { readSection } from './fail2ban/ini-section.ts';
import { overridingEdit, ownEdit, textOf, unusable, wrongSettings } from './fail2ban/jail-edits.ts';
import { effective, jailFile, OVERRIDE_FILE } from './fail2ban/jail-files.ts';
import { jailRemoval } from './fail2ban/jail-removal.ts';
import { type RunningDrift, runningDrift } from './fail2ban/jail-running.ts';
import { type Surroundings, type WantedSetting, wantedSettings, wordsOf } from './fail2ban/jail-settings.ts';
import {
  idle,
  type Loading,
  loadingOf,
  lostByReload,
  skippedOthers,
  unloadable,
} from './fail2ban/loadable.ts';
import { behindProxy } from './fail2ban/proxied.ts';
import { checkJail, filterName, type JailParams, jailSchema, readsSshd } from './fail2ban/schema.ts';
import { defineTask, type Key, type PlanContext, type Verdict } from './task.ts';

const TOOLS = Object.keys(BAN_TOOLS) as BanTool[];

const AUTH_LOG = '/var/log/auth.log';

/** What writes it: without one it is a leftover. `syslog` is the name that each of them takes when it is enabled. */
const LOGGERS = ['syslog', 'rsyslog', 'syslog-ng'];

const questions = (params: JailParams) => ({
  folder: ask(fileProbe, { path: '/etc/fail2ban/jail.d', content: 'never' as const }),
  file: ask(fileProbe, { path: jailFile(params), content: 'always' as const }),
  override: params.override ? [ask(fileProbe, { path: OVERRIDE_FILE, content: 'always' as const })] : [],
  filter: params.filter
    ? [ask(fileProbe, { path: filterPath(filterName(params.filter)), content: 'never' as const })]
    : [],
  log: ask(fileProbe, { path: params.logpath ?? AUTH_LOG, content: 'never' as const }),
  loggers: readsSshd(params) ? LOGGERS.map((name) => ask(unitProbe, name)) : [],
  config: ask(fail2banConfigProbe, 'jails'),
  dump: ask(fail2banDumpProbe, 'dump'),
  server: ask(fail2banProbe, 'fail2ban'),
  firewall: readsSshd(params) ? [ask(firewallProbe, 'firewall' as const)] : [],
  tools: TOOLS.map((name) => ask(toolProbe, name)),
  smtp: homeOf(params).map((home) =>
    ask(fileProbe, { path: serverFile(home, 'smtp'), content: 'always' as const }),
  ),
  james: homeOf(params).map((home) => ask(jamesProbe, home)),
});

type Seen = Answers<ReturnType<typeof questions>>;

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
  questions,
  plan(params, seen, context) {
    const { file, config, dump, server } = seen;
    const files = config.state === 'present' ? config.value : [];
    const obstacle = unread(params, seen) ?? foreign(params, files);
    if (obstacle) return obstacle;
    const proxy = proxyOf(params, seen);
    if ('verdict' in proxy) return proxy;
    const powerless =
      missingPart(params, seen, context) ?? bypassed(params, server) ?? missingTool(params, files, seen);
    if (powerless) return powerless;

    const host = surroundings(params, files, seen);
    const wanted = wantedSettings(params, host);
    const wrong = wrongSettings(textOf(file), params.name, wanted);
    const edits = joined([
      ownEdit(params, file, wrong),
      overridingEdit(params, files, seen.override[0], wanted),
    ]);
    if (isObstacle(edits)) return edits;
    const drift = jailDrift(params, server, host);
    const loading = loadingOf(dump, config, server, context);
    const unfit = notTaken(params, loading, edits, drift);
    if (unfit) return unfit;

    const exposed = file.state === 'present' ? exposure(file.value) : undefined;
    const closing = exposed ? [exposed] : [];
    const edited = edits.changes.length > 0;
    const drifted = drift.reasons.length > 0;
    const reasons = [
      ...edits.reasons,
      ...(drifted && !edited ? [...drift.reasons, 'the file is right'] : []),
      ...closing.map(({ summary }) => summary),
    ];
    const notes = [
      ...skippedOthers(loading),
      ...keptIgnoreip(params, textOf(file), wanted),
      ...selfBan(params, host, context.facts.operator),
      ...proxy.notes,
    ];
    if (reasons.length === 0) {
      return {
        verdict: 'ok',
        reason: isOff(params) ? 'it is disabled and does not run' : 'it runs with these values',
        notes,
      };
    }
    // a reload leaves the kernel's rule with the old ports
    const restart = drift.restart || (wrong.some(({ key }) => key === 'port') && runs(params.name, server));
    const changes = [...closing, ...edits.changes, ...(edited || drifted ? [takeOver(params, restart)] : [])];
    return { verdict: 'change', reason: reasons.join('; '), changes, notes };
  },
});

const isOff = ({ enabled }: JailParams): boolean => enabled === false;

/** The James that the jail is about; a jail that does not run is about nothing. */
const homeOf = (params: JailParams): string[] =>
  params.james_home === undefined || isOff(params) ? [] : [params.james_home];

/** Files without which it cannot run. */
const partsOf = ({ filter, logpath }: JailParams): string[] => [
  ...(filter ? [filterPath(filterName(filter))] : []),
  ...(logpath ? [logpath] : []),
];

const runs = (name: string, server: Observed<Fail2ban>): boolean =>
  server.state === 'present' && server.value.jails.has(name);

/** What of the host could not be read, or of its files not be edited. */
function unread(
  params: JailParams,
  { folder, file, override: [override], config, dump, server }: Seen,
): Verdict | undefined {
  if (folder.state === 'absent' || config.state === 'absent') {
    return { verdict: 'needs', key: 'package:fail2ban', reason: 'fail2ban is not installed' };
  }
  if (folder.state === 'unreadable') return unseen('/etc/fail2ban/jail.d', folder);
  if (config.state === 'unreadable') return unseen("fail2ban's configuration", config);
  if (server.state === 'unreadable') return unseen('the running fail2ban', server);
  if (dump.state === 'unreadable') return unseen('what fail2ban makes of its files', dump);
  return unusable(jailFile(params), file) ?? (override && unusable(OVERRIDE_FILE, override));
}

/** What others wrote that makes it another jail. */
function foreign(params: JailParams, files: readonly ConfigFile[]): Obstacle | undefined {
  const setting = foreignSetting(params, files, jailFile(params));
  return setting === undefined ? undefined : blocked(setting);
}

/** What a proxy in front of James makes of it. */
function proxyOf(params: JailParams, { smtp: [smtp], james: [james] }: Seen): ReturnType<typeof behindProxy> {
  const [home] = homeOf(params);
  return home && smtp && james ? behindProxy(home, smtp, james) : { notes: [] };
}

/** fail2ban does not start at all with a jail whose filter or log is missing. */
function missingPart(
  params: JailParams,
  { filter: [filter], log }: Seen,
  { promised }: PlanContext,
): Verdict | undefined {
  const { filter: name, logpath, backend } = params;
  if (isOff(params)) return undefined;
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

/** A rule above the bans, which makes them void. */
const bypassed = ({ name }: JailParams, server: Observed<Fail2ban>): Obstacle | undefined =>
  server.state === 'present' && server.value.jails.get(name)?.bypassed
    ? blocked(
        "somebody's rule in the chain f2b-chain of table inet f2b-table lets everybody past the bans, and no restart takes it away; delete it (nft -a list chain inet f2b-table f2b-chain)",
      )
    : undefined;

/** A ban action whose program is not there: fail2ban lists the ban, logs an error, and the door stays open. */
function missingTool(params: JailParams, files: readonly ConfigFile[], { tools }: Seen): Verdict | undefined {
  if (isOff(params)) return undefined;
  const action = effective(files, params.name, 'banaction') ?? effective(files, 'DEFAULT', 'banaction');
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
  { log, loggers, firewall: [firewall] }: Seen,
): Surroundings {
  const { name, backend } = params;
  // fail2ban's own jail.conf always sets a back end: `auto`, which finds no log here
  const local = files.filter(({ path }) => path !== '/etc/fail2ban/jail.conf');
  const isSet = effective(local, name, 'backend') ?? effective(local, 'DEFAULT', 'backend');
  const readsAuthLog = readsSshd(params) && backend === undefined && isSet === undefined;
  const sshd = firewall?.state === 'present' ? firewall.value.sshPorts : undefined;
  return {
    defaultIgnoreip: effective(files, 'DEFAULT', 'ignoreip')?.value,
    ignoreip: (effective(files, name, 'ignoreip') ?? effective(files, 'DEFAULT', 'ignoreip'))?.value,
    sshPorts: sshd?.state === 'present' ? sshd.value : [],
    port: effective(files, name, 'port')?.value,
    ...(readsAuthLog ? { unwritten: unwritten(log, loggers) } : {}),
  };
}

/** Why nothing of a failed login would be in auth.log. */
function unwritten(log: Observed<FileState>, loggers: readonly Observed<UnitState>[]): string | undefined {
  if (log.state === 'absent') return `${AUTH_LOG} does not exist`;
  const writes = (unit: Observed<UnitState>) =>
    unit.state === 'unreadable' ||
    (unit.state === 'present' && !/^(inactive|failed)$/.test(unit.value.activeState));
  return loggers.some(writes) ? undefined : `nothing writes ${AUTH_LOG}, since no syslog service runs`;
}

/** What keeps fail2ban from taking over its files, or this jail from doing anything once it has. */
function notTaken(
  params: JailParams,
  loading: Loading,
  edits: Part,
  drift: RunningDrift,
): Obstacle | undefined {
  const edited = edits.changes.length > 0;
  const mending = edited || partsOf(params).some(loading.promised);
  const unfit =
    unloadable(loading, (jail) => (jail === params.name ? mending : loading.managed(jail))) ??
    idle(loading, params.name, mending) ??
    (edited || drift.reasons.length > 0 ? lostByReload(loading) : undefined);
  return unfit ? blocked(unfit) : undefined;
}

/** fail2ban takes over what is in the files. */
const takeOver = (params: JailParams, restart: boolean): SyncFail2ban => ({
  kind: 'sync-fail2ban',
  jails: isOff(params) ? [] : [params.name],
  // -t does not see a regex that does not compile
  filters: params.filter && !isOff(params) ? [filterPath(filterName(params.filter))] : [],
  restart: restart ? [params.name] : [],
});

function jailDrift(params: JailParams, server: Observed<Fail2ban>, host: Surroundings): RunningDrift {
  const jail = server.state === 'present' ? server.value.jails.get(params.name) : undefined;
  if (isOff(params)) {
    return { reasons: jail ? ['the jail runs, but it is disabled'] : [], restart: false };
  }
  if (server.state !== 'present') return { reasons: ['fail2ban is not running'], restart: false };
  return jail ? runningDrift(params, jail, host) : { reasons: ['the jail does not run'], restart: false };
}

/** A list that is not touched. */
function keptIgnoreip(params: JailParams, text: string, wanted: readonly WantedSetting[]): string[] {
  const kept = readSection(text, params.name)?.get('ignoreip')?.value;
  if (kept === undefined || wanted.some(({ key }) => key === 'ignoreip')) return [];
  return [
    `${jailFile(params)} ignores ${sentenceList(wordsOf(kept))}; that is kept because trusted is empty`,
  ];
}

/** Whoever administers the host is banned like everybody else. */
function selfBan(params: JailParams, { ignoreip = '' }: Surroundings, operator: string): string[] {
  const { trusted = [], maxretry, findtime, bantime } = params;
  if (isOff(params) || !readsSshd(params)) return [];
  if (spares([...trusted, ...wordsOf(ignoreip)], operator) !== false) return [];
  const [failures, close] = maxretry === 1 ? ['failed login', 'closes'] : ['failed logins', 'close'];
  return [
    `Your address ${operator} is not in trusted: ${maxretry} ${failures} from it within ${inWords(findtime)} ${close} SSH to it for ${inWords(bantime)}. Consider adding it.`,
  ];
}

const inWords = (duration: string | number): string =>
  typeof duration === 'number' || /^\d+$/.test(duration) ? `${duration} s` : duration;
