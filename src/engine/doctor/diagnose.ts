import { aptLocksProbe } from '../../probes/apt-locks.ts';
import { clockProbe } from '../../probes/clock.ts';
import { fail2banProbe } from '../../probes/fail2ban.ts';
import { fail2banConfigProbe } from '../../probes/fail2ban-config.ts';
import { fail2banDumpProbe } from '../../probes/fail2ban-dump.ts';
import { firewallProbe } from '../../probes/firewall.ts';
import { historyProbe } from '../../probes/history.ts';
import { initProbe } from '../../probes/init.ts';
import { kernelModuleProbe } from '../../probes/kernel-module.ts';
import { loginUserProbe } from '../../probes/login-user.ts';
import { ownFoldersProbe } from '../../probes/own-folders.ts';
import { ask, type Observed, type Question } from '../../probes/probe.ts';
import { latestRunProbe } from '../../probes/runs.ts';
import { spaceProbe } from '../../probes/space.ts';
import { sshdProbe } from '../../probes/sshd.ts';
import { type UnitState, unitProbe } from '../../probes/systemd.ts';
import { unfinishedPackagesProbe } from '../../probes/unfinished-packages.ts';
import type { Task } from '../../tasks/task.ts';
import type { Observations } from '../observe.ts';
import { fail2ban } from './fail2ban.ts';
import { type Finding, notLookedAt } from './finding.ts';
import { iptables, trusted } from './firewall.ts';
import { aptLock, dpkg, UPGRADING } from './packages.ts';
import { lock, ownFolders, unfinished } from './runs.ts';
import { sshd } from './sshd.ts';
import * as system from './system.ts';
import { type Journey, RUNGS, way } from './way.ts';

/** What is looked at on a host that answers, in the order in which it is told. */
const ON_THE_HOST = [
  'init',
  'distribution',
  'iptables',
  'clock',
  'folder',
  'lock',
  'run',
  'disk',
  'apt',
  'dpkg',
  'services',
  'sshd',
  'trusted',
] as const;
type OnTheHost = (typeof ON_THE_HOST)[number];

export const CHECKS = [...RUNGS, ...ON_THE_HOST] as const;
export type Check = (typeof CHECKS)[number];
export type Diagnosis = Readonly<Record<Check, Finding>>;

const loginUser = ask(loginUserProbe, 'login-user' as const);
const init = ask(initProbe, 'init' as const);
const firewall = ask(firewallProbe, 'firewall' as const);
const recent = ask(kernelModuleProbe, 'xt_recent');
const clock = ask(clockProbe, 'clock' as const);
const folders = ask(ownFoldersProbe, 'own-folders' as const);
const runs = ask(historyProbe, 'all' as const);
const latest = ask(latestRunProbe, 'latest' as const);
const aptLocks = ask(aptLocksProbe, 'apt-locks' as const);
const packages = ask(unfinishedPackagesProbe, 'unfinished-packages' as const);
const sshdSettings = ask(sshdProbe, 'sshd' as const);
const jails = ask(fail2banProbe, 'fail2ban' as const);
const jailFiles = ask(fail2banConfigProbe, 'jails' as const);
const jailDump = ask(fail2banDumpProbe, 'dump' as const);
const unit = (name: string) => ask(unitProbe, name);
const space = (path: string) => ask(spaceProbe, path);
const { CLOCK_UNITS, UNITS_THAT_MATTER, WRITTEN } = system;

/** Everything that is asked, the clock first: what comes after it takes its time. */
export const QUESTIONS: readonly Question<unknown>[] = [
  clock,
  loginUser,
  init,
  firewall,
  recent,
  folders,
  runs,
  latest,
  aptLocks,
  packages,
  sshdSettings,
  jails,
  jailFiles,
  jailDump,
  ...[...UNITS_THAT_MATTER, ...CLOCK_UNITS, ...UPGRADING].map(unit),
  ...WRITTEN.map(space),
];

/** What a host answered to `QUESTIONS`. */
export interface Examination {
  readonly seen: Observations;
  readonly asked: system.Asked;
  /** Of the playbook, for this host. */
  readonly tasks: readonly Task[];
}

/** What stands between harden and a host, and what to do about it. Pure. */
export function diagnose(
  journey: Omit<Journey, 'loginUser'>,
  examination: Examination | undefined,
): Diagnosis {
  const login = examination?.seen.get(loginUser);
  const known = login?.state === 'present' ? login.value : undefined;
  const rungs = way({ ...journey, ...(known ? { loginUser: known } : {}) });
  const stuck = RUNGS.find((rung) => rungs[rung].state === 'trouble');
  if (!examination || stuck)
    return { ...rungs, ...each(() => notLookedAt(`${stuck ?? 'something'} stands in the way`)) };
  return { ...rungs, ...onTheHost(examination) };
}

function onTheHost({ seen, asked, tasks }: Examination): Record<OnTheHost, Finding> {
  const units = (names: readonly string[]): [string, Observed<UnitState>][] =>
    names.map((name) => [name, seen.get(unit(name))]);
  const run = seen.get(latest);
  const holders = seen.get(aptLocks);
  // systemctl has nothing to say then
  const withSystemd = (finding: () => Finding) =>
    seen.get(init).state === 'absent' ? notLookedAt('systemd is not process 1') : finding();
  return {
    init: system.init(seen.get(init)),
    distribution: system.distribution(seen.facts),
    iptables: iptables(seen.get(firewall), seen.get(recent)),
    clock: system.clock(seen.get(clock), asked, units(CLOCK_UNITS)),
    folder: ownFolders(seen.get(folders)),
    lock: withSystemd(() => lock(run)),
    run: withSystemd(() => unfinished(run, seen.get(runs))),
    disk: system.disk(WRITTEN.map((path) => [path, seen.get(space(path))])),
    apt: aptLock(holders, units(UPGRADING)),
    dpkg: dpkg(seen.get(packages), holders),
    services: withSystemd(() =>
      system.services(
        units(UNITS_THAT_MATTER),
        fail2ban(seen.get(jails), seen.get(jailDump), seen.get(jailFiles)),
      ),
    ),
    sshd: sshd(seen.get(sshdSettings)),
    trusted: trusted(tasks, seen.facts),
  };
}

const each = (finding: () => Finding): Record<OnTheHost, Finding> =>
  Object.fromEntries(ON_THE_HOST.map((check) => [check, finding()])) as Record<OnTheHost, Finding>;
