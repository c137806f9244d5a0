import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Observations } from '../../src/engine/observe.ts';
import type { Memory } from '../../src/engine/pace.ts';
import { Pacer, type PacerOptions } from '../../src/engine/pacer.ts';
import { SharedState } from '../../src/engine/shared-state.ts';
import type { FirewallState } from '../../src/probes/firewall.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import { iptablesRecentTask } from '../../src/tasks/iptables_recent.ts';
import { asWanted, type Task } from '../../src/tasks/task.ts';
import { FACTS } from '../tasks/context.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harden-pacer-'));
});
afterEach(() => rm(folder, { recursive: true }));

const WHERE = { name: 'mail1', address: '192.0.2.1', port: 22 };
const state = () => new SharedState(join(folder, 'connections'));
const three = { seconds: 60, sessions: 3 };

/** Lets what is remembered be what a test says, and gives what it was. */
async function memory(value?: Memory, way = 'mail'): Promise<Memory> {
  let seen: unknown;
  await state().update(way, (old) => {
    seen = old;
    return value ?? old;
  });
  return seen as Memory;
}

/** A run; one that would wait says so and is interrupted. */
function run(connections: 1 | 2, over: Partial<PacerOptions> = {}) {
  const told: string[] = [];
  const abort = new AbortController();
  const pacer = new Pacer({
    state: state(),
    tasks: [],
    connections,
    progress: (line) => {
      told.push(line);
      abort.abort();
    },
    unusable: (error) => told.push(String(error)),
    lend: (waiting) => waiting(),
    ...over,
  });
  // what connects can be interrupted
  const admit = pacer.admit.bind(pacer);
  pacer.admit = (way, where) => admit(way, where, abort.signal);
  return { pacer, told };
}

const limited = (): Memory => ({ opened: [], looked: { at: Date.now(), limits: [three] } });
const WAITS = expect.stringMatching(/^waiting (60|61) s: this host admits three SSH sessions a minute$/);
const ASSUMES = expect.stringMatching(
  /^waiting (60|61) s: by the playbook this host may admit but three SSH sessions a minute already$/,
);

describe('a run that may have to confirm', () => {
  it('has its second connection, whoever comes meanwhile', async () => {
    await memory(limited());
    const [applies, looks, another] = [run(2), run(1), run(1)];
    await applies.pacer.admit('mail', WHERE);
    await looks.pacer.admit('mail', WHERE);
    await another.pacer.admit('mail', WHERE);
    expect([applies.told, looks.told, another.told]).toEqual([[], [], [WAITS]]);
    await applies.pacer.admit('mail', WHERE);
    expect(applies.told).toEqual([]);
    expect((await memory()).opened).toHaveLength(3);
    // a third one has to wait like any other
    await applies.pacer.admit('mail', WHERE);
    expect(applies.told).toEqual([WAITS]);
  });

  it('gives it back where nothing had to be confirmed', async () => {
    const { pacer } = run(2);
    await pacer.admit('mail', WHERE);
    expect((await memory()).opened).toHaveLength(2);
    await pacer.close();
    expect((await memory()).opened).toHaveLength(1);
  });

  it('reckons with it on each way that it goes', async () => {
    const { pacer } = run(2);
    for (const way of ['hop', 'hop, mail', 'hop', 'hop, mail']) await pacer.admit(way, WHERE);
    expect((await memory(undefined, 'hop')).opened).toHaveLength(2);
    expect((await memory(undefined, 'hop, mail')).opened).toHaveLength(2);
  });
});

describe('a try that nobody answered', () => {
  it('holds up the runs to come, and not the one that a host in the middle of a job waits for', async () => {
    await memory(limited());
    const [tries, next] = [run(1), run(1)];
    await tries.pacer.admit('mail', WHERE);
    expect(await tries.pacer.unanswered('mail', WHERE)).toMatch(
      /admits three SSH sessions a minute: the next run/,
    );
    await next.pacer.admit('mail', WHERE);
    expect(next.told).toEqual([expect.stringContaining('the last try was not answered')]);
    await tries.pacer.admit('mail', WHERE);
    expect(tries.told).toEqual([]);
  });

  it('says nothing of limits where there are none', async () => {
    await memory({ opened: [], looked: { at: 1, limits: [] } });
    const { pacer, told } = run(1);
    await pacer.admit('mail', WHERE);
    expect(await pacer.unanswered('mail', WHERE)).toBe('');
    const next = run(1);
    await next.pacer.admit('mail', WHERE);
    expect([...told, ...next.told]).toEqual([]);
  });
});

describe('where nobody has looked', () => {
  const limits = [{ name: 'DDOS-SSH', protocol: 'tcp', seconds: 60, hitcount: 4 }];
  const task = (params: Record<string, unknown>): Task => ({
    id: 'limits',
    name: 'limits',
    tags: [],
    type: asWanted(iptablesRecentTask, params),
    params,
    source: 'x:1:1',
    local: new Map(),
  });
  it.each<[string, Task[], boolean]>([
    ['the playbook counts', [task({ limits })], true],
    ['not if it takes the limits away', [task({ limits, state: 'absent' })], false],
    ['nothing counts without it', [], false],
  ])('%s', async (_, tasks, waits) => {
    for (let turn = 0; turn < 3; turn++) await run(1, { tasks }).pacer.admit('mail', WHERE);
    const { pacer, told } = run(1, { tasks });
    await pacer.admit('mail', WHERE);
    expect(told).toEqual(waits ? [ASSUMES] : []);
  });
});

describe('a jump host that nobody has looked at', () => {
  const HOP = { ...WHERE, hop: 'bastion' };
  const limits = [{ name: 'DDOS-SSH', protocol: 'tcp', seconds: 60, hitcount: 4 }];
  const tasks: Task[] = [
    {
      id: 'limits',
      name: 'limits',
      tags: [],
      type: asWanted(iptablesRecentTask, { limits }),
      params: { limits },
      source: 'x:1:1',
      local: new Map(),
    },
  ];
  const DROPPED = expect.stringContaining(
    'the last try was not answered; by the playbook the jump host bastion',
  );

  it('that did not answer is waited for on the way to a host that knows of no limit', async () => {
    const direct = run(1, { tasks });
    await direct.pacer.admit('mail', WHERE);
    await direct.pacer.unanswered('mail', WHERE);
    const { pacer, told } = run(1);
    await pacer.admit('mail', HOP);
    expect(told).toEqual([DROPPED]);
  });

  it('admits what the playbook limits there, where it is in the inventory as well', async () => {
    const tasksOf = ({ hop }: { hop?: string }) => (hop === 'bastion' ? tasks : undefined);
    for (let turn = 0; turn < 3; turn++) await run(1, { tasksOf }).pacer.admit('mail', HOP);
    const { pacer, told } = run(1, { tasksOf });
    await pacer.admit('mail', HOP);
    expect(told).toEqual([
      expect.stringContaining('by the playbook the jump host bastion may admit but three'),
    ]);
  });

  it('is what it was seen to be, whatever was declared', async () => {
    await memory({ opened: [], unanswered: Date.now(), looked: { at: 1, limits: [] }, declared: [three] });
    const { pacer, told } = run(1);
    await pacer.admit('mail', HOP);
    expect(told).toEqual([]);
  });
});

describe('a look', () => {
  const rules = [
    '-p tcp -m tcp --dport 22 -m recent --set --name X --rsource',
    '-p tcp -m tcp --dport 22 -m recent --update --seconds 60 --hitcount 4 --name X --rsource -j DROP',
  ];
  const none = { active: absent, other: absent, nat: absent };
  const firewall = (specs: string[]) =>
    present<FirewallState>({
      version: '1.8.9',
      backend: 'nft',
      ipv4: { ...none, active: present({ chains: new Map([['INPUT', specs]]) }) },
      ipv6: { ...none, on: false },
      sshPorts: absent,
    });
  it.each<[string, Observed<FirewallState> | undefined, unknown]>([
    ['limits', firewall(rules), [three]],
    ['no limits', firewall([]), []],
    ['no iptables', absent, []],
    ['what could not be looked at', unreadable('x'), 'before'],
    ['what nobody asked', undefined, 'before'],
  ])('remembers %s', async (_, seen, limits) => {
    const before = { opened: [], looked: { at: 1, limits: [{ seconds: 5, sessions: 5 }] } };
    await memory(before);
    const { pacer } = run(1);
    await pacer.admit('mail', WHERE);
    pacer.looked(new Observations(new Map(seen ? [['firewall', new Map([['firewall', seen]])]] : [])), FACTS);
    await pacer.close();
    expect((await memory()).looked?.limits).toEqual(limits === 'before' ? before.looked.limits : limits);
  });

  it('at this machine itself remembers nothing', async () => {
    const { pacer } = run(1);
    pacer.looked(new Observations(new Map([['firewall', new Map([['firewall', firewall(rules)]])]])), FACTS);
    await pacer.close();
    expect(await memory()).toBeUndefined();
  });
});

it('goes on without what cannot be used', async () => {
  const told: unknown[] = [];
  const { pacer } = run(2, { state: new SharedState('/dev/null/x'), unusable: (error) => told.push(error) });
  await pacer.admit('mail', WHERE);
  await pacer.admit('mail', WHERE);
  expect(await pacer.unanswered('mail', WHERE)).toContain('may be dropping this address');
  await pacer.close();
  expect(told).toHaveLength(3);
});
