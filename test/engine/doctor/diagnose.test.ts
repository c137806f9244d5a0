import { describe, expect, it } from 'vitest';
import { CHECKS, type Check, diagnose } from '../../../src/engine/doctor/diagnose.ts';
import type { Finding } from '../../../src/engine/doctor/finding.ts';
import { RUNGS } from '../../../src/engine/doctor/way.ts';
import { thisHolder } from '../../../src/engine/holder.ts';
import { Observations } from '../../../src/engine/observe.ts';
import type { Wave } from '../../../src/probes/history.ts';
import { absent, type Observed, present, unreadable } from '../../../src/probes/probe.ts';
import type { LatestRun } from '../../../src/probes/runs.ts';
import { FACTS } from '../../tasks/context.ts';
import { examination, FIREWALL, limits, NOW, SPACE, UNIT } from './host.ts';

const JOURNEY = {
  target: { connection: 'ssh', become: true },
  reached: [{ milestone: 'logged-in', address: '192.0.2.1', port: 22, user: 'admin' }],
  answered: true,
} as const;

const RUN: Wave = {
  id: 'aa',
  at: 0,
  who: 'ann@desk, since noon',
  ended: true,
  guard: 'none',
  changes: 0,
  undone: 0,
  stopped: false,
  begun: [],
  done: [],
  failed: [],
  plan: {},
};
const latest = (over: Partial<LatestRun>) =>
  present<LatestRun>({
    id: 'aa',
    working: false,
    ended: true,
    settled: false,
    rolledBack: false,
    owesUndoing: false,
    who: 'ann@desk, since noon',
    mark: '',
    ...over,
  });
const unit = (activeState: string) => present({ ...UNIT, activeState });
const rules = (...chain: string[]) => present({ chains: new Map([['INPUT', chain]]) });

/** Of each check: what the host answers instead, what comes of it, and its words. */
const table: [Check, Readonly<Record<string, Observed<unknown>>>, Finding['state'], RegExp][] = [
  ['init', { 'init init': present({ version: '247', state: 'degraded' }) }, 'ok', /^systemd 247, degraded$/],
  ['init', { 'init init': present({ version: '247', state: 'starting' }) }, 'warning', /is starting/],
  ['init', { 'init init': absent }, 'trouble', /not process 1/],
  [
    'distribution',
    { facts: present({ ...FACTS, distribution: 'ubuntu', release: '24.04' }) },
    'ok',
    /ubuntu 24/,
  ],
  [
    'distribution',
    { facts: present({ ...FACTS, release: '10' }) },
    'trouble',
    /debian 10, which is not supported/,
  ],
  ['iptables', { firewall: absent }, 'ok', /not installed yet/],
  ['iptables', { 'kernel-module': present('available') }, 'ok', /1\.8\.9, back end nft/],
  ['iptables', { 'kernel-module': present('missing') }, 'trouble', /no xt_recent/],
  ['iptables', { firewall: absent, 'kernel-module': present('missing') }, 'trouble', /no xt_recent/],
  ['iptables', { 'kernel-module': present('nowhere') }, 'warning', /modules are not on the host/],
  [
    'iptables',
    { firewall: present({ ...FIREWALL, ipv6: { ...FIREWALL.ipv6, other: rules('-j DROP', '-j ACCEPT') } }) },
    'warning',
    /^2 ipv6 rules stand in its legacy back end/,
  ],
  // chains that are empty filter nothing
  [
    'iptables',
    { firewall: present({ ...FIREWALL, ipv4: { ...FIREWALL.ipv4, other: rules() } }) },
    'ok',
    /back end nft/,
  ],
  [
    'iptables',
    {
      firewall: present({
        ...FIREWALL,
        ipv4: {
          ...FIREWALL.ipv4,
          active: unreadable("table `filter' is incompatible"),
          other: rules('-j DROP'),
        },
      }),
    },
    'trouble',
    /ipv4 rules cannot be shown: table `filter' is incompatible$/,
  ],
  ['clock', { clock: present(NOW + 119) }, 'ok', /agrees with this machine's; chrony\.service runs/],
  ['clock', { clock: present(NOW + 0.5 + 121) }, 'warning', /^it is 2 minutes ahead of/],
  ['clock', { clock: present(NOW - 86400 * 365) }, 'warning', /^it is 365 days behind/],
  ['clock', { unit: absent, 'unit chrony.service': absent }, 'ok', /nothing keeps it right/],
  ['clock', { unit: unreadable('hung'), 'unit chrony.service': unreadable('hung') }, 'ok', /machine's$/],
  ['folder', { 'own-folders': absent }, 'ok', /nothing is there yet/],
  [
    'folder',
    { 'own-folders': present({ open: ['/var/lib/harden'] }) },
    'warning',
    /^others may write to \/var\/lib\/harden,/,
  ],
  [
    'folder',
    { 'own-folders': present({ wrong: '/var/lib/harden belongs to bob', open: [] }) },
    'trouble',
    /^\/var\/lib\/harden belongs to bob$/,
  ],
  ['lock', { 'latest-run': latest({}) }, 'ok', /no run/],
  ['lock', { 'latest-run': latest({ working: true }) }, 'trouble', /at work on it \(ann@desk, since noon\)$/],
  [
    'lock',
    { 'latest-run': latest({ working: true, mark: thisHolder().mark.replace(/\d+$/, String(2 ** 22)) }) },
    'warning',
    /^an earlier run of yours is still at work on it \(ann@desk, since noon\), and nobody follows it$/,
  ],
  ['lock', { 'latest-run': unreadable('x') }, 'trouble', /could not be looked at/],
  [
    'run',
    { history: present([{ ...RUN, ended: false }, RUN]) },
    'ok',
    /the last run \(ann.*\) came to its end/,
  ],
  ['run', { history: present([RUN, { ...RUN, ended: false }]) }, 'warning', /did not come to its end[^;]*$/],
  [
    'run',
    {
      'latest-run': latest({ ended: false, settled: true }),
      history: present([RUN, { ...RUN, ended: false }]),
    },
    'ok',
    /the last run \(ann.*\) was cut off, and nothing of it is left to do$/,
  ],
  [
    'run',
    { history: present([RUN, { ...RUN, ended: false, guard: 'rolledback' }]) },
    'warning',
    /did not come to its end.*; what nobody had confirmed was undone$/,
  ],
  [
    'run',
    { 'latest-run': latest({ owesUndoing: true }), history: present([{ ...RUN, guard: 'pending' }]) },
    'warning',
    /^a change of the run aa .*nor wholly undone/,
  ],
  [
    'run',
    { history: present([{ ...RUN, guard: 'pending' }, RUN]) },
    'warning',
    /run aa .*neither confirmed nor undone/,
  ],
  [
    'run',
    { 'latest-run': latest({ working: true, ended: false }), history: present([{ ...RUN, ended: false }]) },
    'not looked at',
    /a run is at work/,
  ],
  ['run', { 'latest-run': unreadable('x'), history: present([RUN]) }, 'trouble', /could not/],
  ['disk', {}, 'ok', /^free: 8\.0 GiB on \/$/],
  [
    'disk',
    { 'space /var': present({ ...SPACE, free: 200 * 1024 ** 2 }) },
    'warning',
    /^\/var \(on \/\) has 200 MiB left$/,
  ],
  ['disk', { 'space /var': present({ ...SPACE, free: 2 * 1024 ** 2 }) }, 'trouble', /has 2 MiB left/],
  ['disk', { 'space /etc': present({ ...SPACE, freeInodes: 3 }) }, 'trouble', /room for 3 more files/],
  ['disk', { space: present({ mount: '/', free: SPACE.free, writable: true }) }, 'ok', /free/],
  [
    'disk',
    {
      'space /tmp': present({ ...SPACE, mount: '/tmp', free: 200 * 1024 ** 2 }),
      'space /etc': present({ ...SPACE, writable: false }),
    },
    'trouble',
    /^\/etc \(on \/\) is read-only$/,
  ],
  [
    'apt',
    { 'apt-locks': present([{ pid: 7, command: 'apt-get install x', locks: ['/a', '/b'] }]) },
    'warning',
    /^\/a and \/b held by apt-get install x \(pid 7\)$/,
  ],
  ['apt', { 'unit apt-daily.service': unit('activating') }, 'warning', /apt-daily\.service is at work/],
  [
    'dpkg',
    {
      'apt-locks': present([{ pid: 7, command: '', locks: ['/a'] }]),
      'unfinished-packages': present({
        packages: [{ name: 'x', status: 'unpacked' }],
        broken: [],
        interrupted: true,
      }),
    },
    'not looked at',
    /at work/,
  ],
  [
    'dpkg',
    { 'unfinished-packages': present({ packages: [], broken: [], interrupted: true }) },
    'warning',
    /records are not written to the end/,
  ],
  [
    'dpkg',
    {
      'unfinished-packages': present({
        packages: 'abcdefgh'.split('').map((name) => ({ name, status: 'unpacked' })),
        broken: [],
        interrupted: false,
      }),
    },
    'warning',
    /a is unpacked, .*d is unpacked and 4 more$/,
  ],
  [
    'dpkg',
    {
      'unfinished-packages': present({
        packages: [{ name: 'x', status: 'half-installed' }],
        broken: ['x'],
        interrupted: false,
      }),
    },
    'trouble',
    /wants x installed again/,
  ],
  ['services', { 'unit ssh.service': unit('failed') }, 'warning', /new logins may not be possible/],
  ['services', { 'unit harden-limits.service': unit('failed') }, 'warning', /limits were not loaded/],
  ['services', { fail2ban: unreadable('it hangs') }, 'trouble', /^fail2ban could not be asked: it hangs$/],
  [
    'services',
    { 'fail2ban-dump': present({ refusal: 'no section', jails: new Map() }) },
    'warning',
    /^fail2ban cannot read its files, .*: no section; mend what that names$/,
  ],
  [
    'services',
    { 'fail2ban-dump': present({ jails: new Map([['a', { actions: ['x'], watches: false }]]) }) },
    'warning',
    /^\[a\] keeps fail2ban from starting again/,
  ],
  ['services', { 'fail2ban-dump': unreadable('hung') }, 'trouble', /could not be looked at: hung/],
  ['sshd', { sshd: absent }, 'ok', /no sshd/],
  [
    'sshd',
    { sshd: unreadable('Missing privilege separation directory: /run/sshd') },
    'ok',
    /each connection/,
  ],
  ['sshd', { sshd: unreadable('line 3:\r\n nonsense') }, 'trouble', /own configuration.*: line 3: nonsense$/],
  ['sshd', { sshd: present(new Map([['maxstartups', '1:30:60']])) }, 'warning', /one login is under way/],
  [
    'sshd',
    { sshd: present(new Map([['persourcepenalties', 'crash:90 authfail:5']])) },
    'ok',
    /PerSourcePenalties/,
  ],
  ['trusted', { facts: present({ ...FACTS, operator: '' }) }, 'ok', /this machine itself/],
  [
    'trusted',
    { facts: present({ ...FACTS, operator: '198.51.100.7' }) },
    'warning',
    /198\.51\.100\.7 to the host/,
  ],
];

const told = (found: ReturnType<typeof diagnose>) =>
  Object.fromEntries(
    CHECKS.filter((check) => found[check].state !== 'ok').map((check) => [check, found[check]]),
  );

describe('diagnose', () => {
  it('finds nothing on a host that is well', () => {
    expect(told(diagnose(JOURNEY, examination()))).toEqual({});
  });

  it.each(table)('%s: %j is %s, %s', (check, over, state, says) => {
    const found = diagnose(JOURNEY, examination(over))[check];
    expect(found.state, found.says).toBe(state);
    expect(found.says).toMatch(says);
    if (state === 'warning' || state === 'trouble')
      expect(found).toHaveProperty('todo', expect.stringMatching(/\.$/));
  });

  it.each([
    ['none', /^harden check says what of it is still to do, and harden apply does that\.$/],
    ['rolledback', /^harden diff shows .*: see first that it lets you in/],
  ] as const)('of a run that was cut off, with a guard that is %s, says what to do first', (guard, todo) => {
    const history = present([{ ...RUN, ended: false, guard }]);
    expect(diagnose(JOURNEY, examination({ history })).run).toMatchObject({
      todo: expect.stringMatching(todo),
    });
  });

  it('never reads as well what could not be looked at', () => {
    const nothing = { ...examination(), seen: new Observations(new Map()) };
    const found = diagnose(JOURNEY, nothing);
    const onTheHost = CHECKS.filter((check) => !(RUNGS as readonly string[]).includes(check));
    expect(onTheHost.filter((check) => found[check].state !== 'trouble')).toEqual([]);
  });

  it('looks at nothing of systemd where there is none, and blames nothing else for it', () => {
    const found = told(
      diagnose(JOURNEY, examination({ 'init init': absent, unit: unreadable('no systemd') })),
    );
    const states = Object.fromEntries(Object.entries(found).map(([check, { state }]) => [check, state]));
    expect(states).toEqual({
      init: 'trouble',
      lock: 'not looked at',
      run: 'not looked at',
      services: 'not looked at',
    });
  });

  it('looks at nothing on a host whose scripts do not run as root', () => {
    const loginUser = present({ user: 'admin', shell: '/bin/sh', root: false });
    const found = told(diagnose(JOURNEY, examination({ 'login-user': loginUser })));
    expect(found.sudo).toMatchObject({ state: 'trouble', says: 'scripts run as admin, who is not root' });
    expect(found.lock).toMatchObject({
      state: 'not looked at',
      says: 'not looked at: sudo stands in the way',
    });
  });

  it.each<[string, ReturnType<typeof limits>[], Finding['state']]>([
    ['no limits', [], 'ok'],
    ['limits that are to be taken away', [limits([], { state: 'absent' })], 'ok'],
    ['limits that trust nobody', [limits([])], 'warning'],
    ['limits of which one does not trust', [limits(['192.0.2.7']), limits(['2001:db8::/32'])], 'warning'],
    ['limits that trust a network around', [limits(['2001:db8::/32', '192.0.0.0/8'])], 'ok'],
  ])('trusted, with %s', (_, tasks, state) => {
    expect(diagnose(JOURNEY, examination({}, tasks)).trusted.state).toBe(state);
  });
});
