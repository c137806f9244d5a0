import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cutsOff } from '../../src/engine/door.ts';
import type { FileState } from '../../src/probes/file.ts';
import type { FirewallState } from '../../src/probes/firewall.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import type { UnitState } from '../../src/probes/systemd.ts';
import type { Change, LoadRules } from '../../src/tasks/change.ts';
import { chainRules } from '../../src/tasks/iptables/chain.ts';
import {
  LOADER,
  loaderFile,
  RULES,
  rulesFile,
  UNIT_FILE,
  UNIT_TEXT,
} from '../../src/tasks/iptables/persisted.ts';
import { printRule } from '../../src/tasks/iptables/rule.ts';
import type { Params } from '../../src/tasks/iptables/schema.ts';
import { iptablesRecentTask } from '../../src/tasks/iptables_recent.ts';
import { context, directoryState, fileState } from './context.ts';
import { restore } from './iptables/arbitraries.ts';

const PARAMS: Params = {
  trusted: ['192.0.2.7'],
  limits: [
    { name: 'DDOS-PING', protocol: 'icmp', seconds: 5, hitcount: 6 },
    { name: 'DDOS-SSH', protocol: 'tcp', seconds: 60, hitcount: 6 },
    { name: 'DDOS-SMTP', protocol: 'tcp', ports: [25], seconds: 60, hitcount: 4 },
  ],
};
const PORTS = [22];

type Seen = Parameters<typeof iptablesRecentTask.plan>[1];

const rules = (family: 'ipv4' | 'ipv6') => chainRules(PARAMS.limits, PARAMS.trusted!, family, PORTS);
const table = (input: string[], harden?: string[]) =>
  present({
    chains: new Map([['INPUT', input], ...(harden ? [['HARDEN', harden] as [string, string[]]] : [])]),
  });
const held = (family: 'ipv4' | 'ipv6') => rules(family).map((rule) => printRule(rule, family));

const firewall = (over: Partial<FirewallState> = {}): Observed<FirewallState> =>
  present({
    version: '1.8.9',
    backend: 'nft',
    ipv4: { active: table(['-j HARDEN'], held('ipv4')), other: absent, nat: absent },
    ipv6: { active: table(['-j HARDEN'], held('ipv6')), other: absent, nat: absent, on: true },
    sshPorts: present(PORTS),
    ...over,
  });

const file = (path: string, text: string, mode: string) =>
  present<FileState>(
    fileState({
      realPath: path,
      mode,
      sha256: createHash('sha256').update(text).digest('hex'),
      content: Buffer.from(text),
    }),
  );

const unit = (over: Partial<UnitState> = {}) =>
  present<UnitState>({
    activeState: 'active',
    unitFileState: 'enabled',
    needDaemonReload: false,
    dropIns: [],
    wantedBy: ['multi-user.target'],
    stateChange: 5,
    ...over,
  });

/** A host on which nothing is left to do. */
const converged = (over: Partial<Seen> = {}): Seen => ({
  firewall: firewall(),
  directory: present(directoryState({ realPath: '/etc/harden', mode: '0700' })),
  ipv4: file(RULES.ipv4, rulesFile('HARDEN', rules('ipv4'), 'ipv4'), '0600'),
  ipv6: file(RULES.ipv6, rulesFile('HARDEN', rules('ipv6'), 'ipv6'), '0600'),
  loader: file(LOADER, loaderFile('HARDEN'), '0700'),
  unitFile: file(UNIT_FILE, UNIT_TEXT, '0644'),
  unit: unit(),
  managers: [absent, absent, absent, absent],
  plugins: [absent, absent],
  saved: [absent, absent],
  servers: [],
  ...over,
});

/** A host that never had limits. */
const fresh: Seen = converged({
  firewall: firewall({
    ipv4: { active: table([]), other: absent, nat: absent },
    ipv6: { active: table([]), other: absent, nat: absent, on: true },
  }),
  directory: absent,
  ipv4: absent,
  ipv6: absent,
  loader: absent,
  unitFile: absent,
  unit: absent,
});

const plan = (seen: Seen, params = PARAMS) => iptablesRecentTask.plan(params, seen, context());
const short = (change: Change): string =>
  'path' in change
    ? `${change.kind} ${change.path}`
    : 'action' in change
      ? change.action
      : `${change.kind} ${'family' in change ? change.family : ''}`.trim();
const work = (seen: Seen, params = PARAMS) => {
  const verdict = plan(seen, params);
  if (verdict.verdict !== 'change') throw new Error(`${verdict.verdict}: ${verdict.reason}`);
  return {
    guarded: verdict.changes.some(cutsOff),
    reason: verdict.reason,
    steps: verdict.changes.map(short),
    changes: verdict.changes,
  };
};

describe('iptables_recent', () => {
  it('has nothing to do on a converged host', () => {
    expect(plan(converged())).toEqual({
      verdict: 'ok',
      reason: 'all 3 limits are in force and loaded at boot',
      notes: [],
    });
  });

  it('loads the kernel first, guarded, and makes it last afterwards', () => {
    expect(work(fresh)).toMatchObject({
      guarded: true,
      reason:
        'ipv4: the chain HARDEN is missing, the jump from INPUT to HARDEN is missing; ipv6: the chain HARDEN is missing, the jump from INPUT to HARDEN is missing; nothing loads the limits at boot',
      steps: [
        'load-rules ipv4',
        'load-rules ipv6',
        'make-directory /etc/harden',
        'write-file /etc/harden/limits.v4',
        'write-file /etc/harden/limits.v6',
        'write-file /etc/harden/load-limits',
        'write-file /etc/systemd/system/harden-limits.service',
        'enable',
        'start',
      ],
    });
  });

  it('has nothing left to load once its batches are loaded', () => {
    const after = Object.fromEntries(
      work(fresh)
        .changes.filter((change): change is LoadRules => change.kind === 'load-rules')
        .map(({ family, batch }) => [family, present(restore({ chains: new Map([['INPUT', []]]) }, batch))]),
    ) as Record<'ipv4' | 'ipv6', Observed<{ chains: Map<string, string[]> }>>;
    const state = firewall({
      ipv4: { active: after.ipv4, other: absent, nat: absent },
      ipv6: { active: after.ipv6, other: absent, nat: absent, on: true },
    });
    expect(plan(converged({ firewall: state })).verdict).toBe('ok');
  });

  it('touches one family only where the other one is right', () => {
    const state = firewall({
      ipv6: { active: table(['-j ACCEPT', '-j HARDEN'], held('ipv6')), other: absent, nat: absent, on: true },
    });
    expect(work(converged({ firewall: state }))).toMatchObject({ guarded: true, steps: ['load-rules ipv6'] });
  });

  it.each<[string, Partial<Seen>, string[], RegExp]>([
    [
      'a file of rules is gone',
      { ipv4: absent },
      ['write-file /etc/harden/limits.v4'],
      /limits\.v4 does not exist/,
    ],
    [
      'a file was altered',
      { loader: file(LOADER, 'x', '0700') },
      ['write-file /etc/harden/load-limits'],
      /load-limits does not hold what it should/,
    ],
    [
      'a file can be read by all',
      { ipv6: file(RULES.ipv6, rulesFile('HARDEN', rules('ipv6'), 'ipv6'), '0644') },
      ['set-attributes /etc/harden/limits.v6'],
      /mode is 0644, wanted 0600/,
    ],
    [
      'the unit was altered',
      { unitFile: file(UNIT_FILE, 'x', '0644') },
      [`write-file ${UNIT_FILE}`, 'restart'],
      /runs from an older unit file/,
    ],
    [
      'systemd has not read the unit',
      { unit: unit({ needDaemonReload: true }) },
      ['restart'],
      /older unit file/,
    ],
    [
      'the unit is disabled',
      { unit: unit({ unitFileState: 'disabled' }) },
      ['enable'],
      /does not start at boot/,
    ],
    ['the unit failed', { unit: unit({ activeState: 'failed' }) }, ['restart'], /is failed/],
    ['the unit did not run', { unit: unit({ activeState: 'inactive' }) }, ['start'], /is inactive/],
    [
      'the unit is masked',
      {
        unit: unit({ unitFileState: 'masked', activeState: 'inactive' }),
        unitFile: present(fileState({ kind: 'other', realPath: '/dev/null' })),
      },
      ['unmask', `write-file ${UNIT_FILE}`, 'enable', 'start'],
      /is masked/,
    ],
  ])('needs no guard where %s', (_, over, steps, reason) => {
    const found = work(converged(over));
    expect(found).toMatchObject({ guarded: false, steps });
    expect(found.reason).toMatch(reason);
  });

  it('lets the unit take its chain out of the back end that is not in use', () => {
    const state = (v4: string[]) =>
      firewall({
        ipv4: { active: table(['-j HARDEN'], v4), other: table(['-j HARDEN', '-j ACCEPT'], []), nat: absent },
      });
    expect(work(converged({ firewall: state(held('ipv4')) }))).toMatchObject({
      guarded: false,
      reason: 'ipv4: HARDEN is also in the legacy back end, where every connection counts once more',
      steps: ['restart'],
    });
    // after the confirmation: whatever is undone leaves the other back end as it was
    expect(work(converged({ firewall: state([]) }))).toMatchObject({
      guarded: true,
      steps: ['load-rules ipv4', 'restart'],
    });
  });

  it.each([
    ['IPv6 is off', PARAMS, false],
    ['it is not wanted', { ...PARAMS, ipv6: false }, true],
  ])('leaves IPv6 alone where %s', (_, params, on) => {
    const state = firewall({ ipv6: { active: unreadable('no ip6tables'), other: absent, nat: absent, on } });
    expect(plan(converged({ firewall: state, ipv6: absent }), params).verdict).toBe('ok');
  });

  it('empties IPv6 limits that are no longer wanted, in the kernel and for the next boot', () => {
    const unwanted = { ...PARAMS, ipv6: false };
    const empty = rulesFile('HARDEN', [], 'ipv6');
    expect(work(converged(), unwanted)).toMatchObject({
      guarded: true,
      reason: `ipv6: HARDEN limits connections, and nothing of it is wanted; ${RULES.ipv6} does not hold what it should`,
      steps: ['load-rules ipv6', `write-file ${RULES.ipv6}`],
      changes: [{ after: ['-A INPUT -j HARDEN'] }, { content: Buffer.from(empty) }],
    });
    const emptied = converged({
      firewall: firewall({
        ipv6: { active: table(['-j HARDEN'], []), other: absent, nat: absent, on: true },
      }),
      ipv6: file(RULES.ipv6, empty, '0600'),
    });
    expect(plan(emptied, unwanted).verdict).toBe('ok');
    expect(work(emptied).steps).toEqual(['load-rules ipv6', `write-file ${RULES.ipv6}`]);
  });

  it('does not add a second chain to one of another name', () => {
    const old = firewall({
      ipv4: {
        active: present({
          chains: new Map([
            ['INPUT', ['-j OLD']],
            ['OLD', ['-i lo -j RETURN']],
          ]),
        }),
        other: absent,
        nat: absent,
      },
    });
    const text = rulesFile('OLD', rules('ipv4'), 'ipv4');
    expect(plan(converged({ firewall: old, ipv4: file(RULES.ipv4, text, '0600') }))).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('keep chain: OLD, or take it away first: iptables -D INPUT -j OLD;'),
    });
  });

  it.each<['ipv4' | 'ipv6', string]>([
    ['ipv4', '-s 10.0.0.0/8 -j ACCEPT'],
    ['ipv6', '-m conntrack --ctstate RELATED -j ACCEPT'],
  ])("leaves somebody else's chain of its name alone: %s %s", (family, spec) => {
    const tables = (one: 'ipv4' | 'ipv6') => ({
      active: table([], one === family ? [spec] : undefined),
      other: absent,
      nat: absent,
    });
    const theirs = firewall({ ipv4: tables('ipv4'), ipv6: { ...tables('ipv6'), on: true } });
    expect(plan({ ...fresh, firewall: theirs })).toMatchObject({
      verdict: 'blocked',
      reason: `a chain HARDEN stands in the ${family} rules already, and it is not one of limits ("${spec}"); give the task another name with chain, or take that chain away`,
    });
  });

  it('takes up what an interrupted run of its own has loaded', () =>
    expect(work({ ...fresh, firewall: firewall() }).steps[0]).toMatch(/^make-directory/));

  it.each<[string, Partial<Seen>, object]>([
    ['iptables is missing', { firewall: absent }, { verdict: 'needs', key: 'package:iptables' }],
    [
      'nothing could be seen',
      { firewall: unreadable('exit status 1') },
      { verdict: 'failed', reason: 'The firewall could not be looked at: exit status 1' },
    ],
    [
      'a family could not be seen',
      { firewall: firewall({ ipv4: { active: unreadable('incompatible'), other: absent, nat: absent } }) },
      { verdict: 'failed', reason: 'The ipv4 rules could not be looked at: incompatible' },
    ],
    [
      'the ports of sshd are not known',
      { firewall: firewall({ sshPorts: unreadable('no') }) },
      { verdict: 'failed' },
    ],
    [
      'there is no sshd to follow',
      { firewall: firewall({ sshPorts: absent }) },
      {
        verdict: 'blocked',
        reason: 'DDOS-SSH follows the ports of sshd, and this host has no sshd; give the row its ports',
      },
    ],
    [
      'sshd listens on a port with a low limit',
      { firewall: firewall({ sshPorts: present([2222]) }) },
      { verdict: 'change' },
    ],
    ['a directory stands in place of a file', { ipv4: present(directoryState()) }, { verdict: 'blocked' }],
    ['a file stands in place of the directory', { directory: present(fileState()) }, { verdict: 'blocked' }],
    ['systemd cannot be asked', { unit: unreadable('no systemd') }, { verdict: 'failed' }],
  ])('where %s', (_, over, expected) => expect(plan(converged(over))).toMatchObject(expected));

  it('refuses a limit that would lock operators out of the port sshd really has', () => {
    const params = {
      ...PARAMS,
      limits: [{ name: 'ALT', protocol: 'tcp' as const, ports: [2222], seconds: 60, hitcount: 3 }],
    };
    expect(plan(converged({ firewall: firewall({ sshPorts: present([22, 2222]) }) }), params)).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('(sshd listens on 22 and 2222)'),
    });
  });

  it('follows sshd to another port', () => {
    const { changes } = work(converged({ firewall: firewall({ sshPorts: present([2222]) }) }));
    expect((changes[0] as LoadRules).after.filter((line) => line.includes('--dport 2222'))).toHaveLength(2);
  });

  it('owns its chain, its files and its unit', () => {
    expect(iptablesRecentTask.owns(PARAMS)).toEqual([
      'chain:HARDEN',
      'file:/etc/harden',
      'file:/etc/harden/limits.v4',
      'file:/etc/harden/limits.v6',
      'file:/etc/harden/load-limits',
      'file:/etc/systemd/system/harden-limits.service',
      'unit:harden-limits.service',
    ]);
    expect(Object.keys(iptablesRecentTask.questions(PARAMS, context()))).toEqual(Object.keys(fresh));
  });
});
