import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FilterTable } from '../../../src/probes/firewall.ts';
import { loadRulesChange } from '../../../src/tasks/iptables/batch.ts';
import { ruleDrift } from '../../../src/tasks/iptables/drift.ts';
import { publishedRules } from '../../../src/tasks/iptables/published.ts';
import { printRule } from '../../../src/tasks/iptables/rule.ts';
import { restore, ruleOf, rulesOf, tableOf } from './arbitraries.ts';

const FOREIGN = ['FORWARD', 'f2b-sshd'];
const table = tableOf(ruleOf('ipv4').map((rule) => printRule(rule, 'ipv4')));
const change = (from: FilterTable, wanted: Parameters<typeof loadRulesChange>[2]) =>
  loadRulesChange(from, 'HARDEN', wanted, 'ipv4', ['A']);
const isJump = (spec: string) => /-[jg] HARDEN$/.test(spec);

/** What `load_chain` adds to a batch: it takes away the jumps that stand there now. */
const undo = (now: FilterTable, text: string) => {
  const jumps = now.chains
    .get('INPUT')!
    .filter(isJump)
    .map((spec) => `-D INPUT ${spec}`);
  return restore(
    now,
    text.replace(/^(\*filter\n:.*\n)/, (head) => `${head}${jumps.map((line) => `${line}\n`).join('')}`),
  );
};

describe('loadRulesChange', () => {
  it('brings any table to what is wanted, leaves the rest, and can be undone exactly, loaded or not', () => {
    fc.assert(
      fc.property(table, rulesOf('ipv4'), (from, wanted) => {
        const { batch, undo: back } = change(from, wanted);
        const after = restore(from, batch);
        expect(ruleDrift(after, 'HARDEN', wanted, 'ipv4')).toEqual([]);
        for (const chain of FOREIGN) expect(after.chains.get(chain)).toEqual(from.chains.get(chain));
        const others = (one: FilterTable) => one.chains.get('INPUT')!.filter((spec) => !isJump(spec));
        expect(others(after)).toEqual(others(from));
        expect(undo(after, back)).toEqual(from);
        expect(undo(from, back)).toEqual(from);
      }),
    );
  });

  it('brings rules that it replaced back to their places', () => {
    const pair = '-p tcp -m tcp --dport 25 -m recent --set --name A --rsource';
    fc.assert(
      fc.property(table, rulesOf('ipv4'), fc.array(fc.nat(6), { maxLength: 4 }), (rest, wanted, places) => {
        const input = [...rest.chains.get('INPUT')!];
        for (const place of places) input.splice(Math.min(place, input.length), 0, pair);
        const from = { chains: new Map([...rest.chains, ['INPUT', input]]) };
        const published = publishedRules(from, ['A']);
        expect(published.length).toBe(places.length);
        const load = loadRulesChange(from, 'HARDEN', wanted, 'ipv4', ['A'], published);
        // the host takes them away at the head of the batch
        const without = {
          chains: new Map([...from.chains, ['INPUT', input.filter((spec) => spec !== pair)]]),
        };
        expect(undo(restore(without, load.batch), load.undoReplaced)).toEqual(from);
        expect(undo(from, load.undo)).toEqual(from);
      }),
    );
  });

  it('leaves a jump alone that is well placed', () => {
    const from = {
      chains: new Map([
        ['INPUT', ['-p tcp -j f2b-sshd', '-j HARDEN']],
        ['HARDEN', ['-j ACCEPT']],
        ['f2b-sshd', ['-j RETURN']],
      ]),
    };
    expect(change(from, [{ kind: 'loopback' }])).toEqual({
      kind: 'load-rules',
      family: 'ipv4',
      chain: 'HARDEN',
      batch: '*filter\n:HARDEN - [0:0]\n-A HARDEN -i lo -j RETURN\nCOMMIT\n',
      undo: '*filter\n:HARDEN - [0:0]\n-A HARDEN -j ACCEPT\n-I INPUT 2 -j HARDEN\nCOMMIT\n',
      replaces: [],
      undoReplaced: '*filter\n:HARDEN - [0:0]\n-A HARDEN -j ACCEPT\n-I INPUT 2 -j HARDEN\nCOMMIT\n',
      before: ['-A INPUT -j HARDEN', '-A HARDEN -j ACCEPT'],
      after: ['-A INPUT -j HARDEN', '-A HARDEN -i lo -j RETURN'],
      lists: ['A'],
    });
  });

  it('names the jumps it saw, so that a table that changed meanwhile refuses it', () => {
    const from = {
      chains: new Map([
        ['INPUT', ['-j ACCEPT', '-j HARDEN']],
        ['HARDEN', []],
      ]),
    };
    const { batch } = change(from, [{ kind: 'loopback' }]);
    expect(batch).toContain('\n-D INPUT -j HARDEN\n-I INPUT 1 -j HARDEN\nCOMMIT\n');
    expect(() =>
      restore(
        {
          chains: new Map([
            ['INPUT', []],
            ['HARDEN', []],
          ]),
        },
        batch,
      ),
    ).toThrow('no rule -j HARDEN in INPUT');
  });

  it('takes a chain away again that was not there', () => {
    expect(change({ chains: new Map([['INPUT', []]]) }, []).undo).toBe(
      '*filter\n:HARDEN - [0:0]\n-X HARDEN\nCOMMIT\n',
    );
  });
});
