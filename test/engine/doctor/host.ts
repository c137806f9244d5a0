import { type Examination, QUESTIONS } from '../../../src/engine/doctor/diagnose.ts';
import { Observations } from '../../../src/engine/observe.ts';
import { factsProbe } from '../../../src/probes/facts.ts';
import type { FirewallState } from '../../../src/probes/firewall.ts';
import { absent, ask, type Observed, present } from '../../../src/probes/probe.ts';
import { taskTypes } from '../../../src/tasks/registry.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { FACTS } from '../../tasks/context.ts';

export const NOW = 1_700_000_000;

export const FIREWALL: FirewallState = {
  version: '1.8.9',
  backend: 'nft',
  ipv4: { active: present({ chains: new Map() }), other: absent, nat: absent },
  ipv6: { active: present({ chains: new Map() }), other: absent, nat: absent, on: true },
  sshPorts: present([22]),
};

export const SPACE = { mount: '/', free: 8 * 1024 ** 3, freeInodes: 100_000, writable: true };

export const UNIT = {
  activeState: 'active',
  unitFileState: 'enabled',
  needDaemonReload: false,
  stateChange: 1,
  dropIns: [],
  wantedBy: [],
};

/** Answers of a host that is well, by `PROBE KEY`; a probe's own name stands for all its keys. */
const WELL: Readonly<Record<string, Observed<unknown>>> = {
  'facts facts': present(FACTS),
  'login-user login-user': present({ user: 'admin', shell: '/bin/bash', root: true }),
  'init init': present({ version: '252', state: 'running' }),
  'firewall firewall': present(FIREWALL),
  'kernel-module xt_recent': present('loaded'),
  'clock clock': present(NOW + 0.2),
  'own-folders own-folders': present({ open: [] }),
  'history all': absent,
  'latest-run latest': absent,
  'apt-locks apt-locks': present([]),
  'unfinished-packages unfinished-packages': present({ packages: [], broken: [], interrupted: false }),
  'sshd sshd': present(
    new Map([
      ['maxstartups', '10:30:100'],
      ['maxsessions', '10'],
    ]),
  ),
  'fail2ban fail2ban': absent,
  'fail2ban-config jails': absent,
  'fail2ban-dump dump': absent,
  'unit chrony.service': present(UNIT),
  unit: absent,
  space: present(SPACE),
};

export const limits = (trusted: readonly string[], over: object = {}): Task => ({
  id: 'firewall.limits',
  name: 'limits',
  tags: [],
  type: taskTypes.get('iptables_recent')!,
  params: { trusted, limits: [], ...over },
  source: 'playbook.yaml:1:1',
  local: new Map(),
});

/** What a host that is well answers, but for `over`; `undefined` there: nothing. */
export function examination(
  over: Readonly<Record<string, Observed<unknown>>> = {},
  tasks: readonly Task[] = [limits(['192.0.2.0/24'])],
): Examination {
  const answers = new Map<string, Map<string, Observed<unknown>>>();
  for (const { probe, arg } of [ask(factsProbe, 'facts' as const), ...QUESTIONS]) {
    const key = probe.key(arg);
    const name = `${probe.name} ${key}`;
    const answer = over[name] ?? over[probe.name] ?? WELL[name] ?? WELL[probe.name];
    if (!answer) throw new Error(`there is no answer to ${name}`);
    answers.set(probe.name, (answers.get(probe.name) ?? new Map()).set(key, answer));
  }
  return { seen: new Observations(answers), asked: { sent: NOW, received: NOW + 0.5 }, tasks };
}
