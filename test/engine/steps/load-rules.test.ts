import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stepLibrary } from '../../../src/engine/steps/library.ts';
import { forgetOperator, loadRules, undoRules } from '../../../src/engine/steps/load-rules.ts';
import { loadRulesChange } from '../../../src/tasks/iptables/batch.ts';
import { Commands } from '../../tasks/iptables/commands.ts';

let commands: Commands;
beforeEach(() => {
  commands = new Commands();
  commands.set('sleep', ':');
});
afterEach(() => commands.remove());

const change = loadRulesChange(
  {
    chains: new Map([
      ['INPUT', ['-m comment --comment "it\'s $(here)" -j ACCEPT', '-j HARDEN']],
      ['HARDEN', []],
    ]),
  },
  'HARDEN',
  [{ kind: 'loopback' }, { kind: 'trusted', network: '192.0.2.7/32' }],
  'ipv4',
  ['A'],
);

const RULES =
  'echo "-N HARDEN"; echo "-A HARDEN -i lo -j RETURN"; echo "-A HARDEN -s 192.0.2.7/32 -j RETURN"';
const iptables = (chain = RULES, input = 'echo "-P INPUT ACCEPT"; echo "-A INPUT -j HARDEN "') =>
  commands.set(
    'iptables',
    `case "$*" in *"-S HARDEN") ${chain} ;; *"-S INPUT") ${input} ;; *) exit 1 ;; esac`,
  );

describe('loadRules', () => {
  const load = () => commands.run(`set -e\n${stepLibrary.text}\n(${loadRules(change).text}\n)`);

  it('feeds the batch to the kernel as it is', () => {
    commands.set('iptables-restore', 'cat > "$D/fed"');
    iptables();
    expect(load()).toEqual({ stdout: '', stderr: '', status: 0 });
    expect(commands.read('fed')).toBe(change.batch);
    expect(commands.read('log').split('\n')[0]).toBe('iptables-restore --noflush -w 10');
  });

  it.each([
    ['a lock that is let go', '[ $(grep -c restore "$D/log") -ge 3 ] || exit 4', 0, 3],
    ['a lock that is held on to', 'exit 4', 1, 3],
    ['a refusal', 'exit 1', 1, 1],
  ])('after %s', (_, code, status, tries) => {
    commands.set('iptables-restore', `cat >/dev/null; ${code}`);
    iptables();
    const done = load();
    expect(done.status).toBe(status);
    expect(commands.read('log').match(/restore/g)).toHaveLength(tries);
    if (status) expect(done.stderr).toMatch(/the ipv4 limits were not loaded .* nothing of them is in force/);
  });

  it('does not believe an exit status', () => {
    commands.set('iptables-restore', 'cat >/dev/null');
    iptables('echo "-N HARDEN"');
    expect(load()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('HARDEN does not hold the 2 rules'),
    });
    iptables(RULES, 'echo "-A INPUT -j HARDEN"; echo "-A INPUT -j HARDEN"');
    expect(load()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('does not jump to HARDEN exactly once'),
    });
  });

  it('uses the command of the family', () => {
    expect(loadRules({ ...change, family: 'ipv6' }).text).toContain('ip6tables-restore --noflush');
  });
});

describe('undoRules', () => {
  const undo = () => commands.run(`set -e\n${undoRules(change).text}`);

  it('brings back what stood there, and takes away what stands there now', () => {
    commands.set('iptables-save', 'echo "*filter"; echo "-A INPUT -j HARDEN"');
    commands.set('iptables-restore', 'cat > "$D/fed"');
    expect(undo()).toEqual({ stdout: '', stderr: '', status: 0 });
    expect(commands.read('fed')).toBe(
      '*filter\n:HARDEN - [0:0]\n-D INPUT -j HARDEN\n-I INPUT 2 -j HARDEN\nCOMMIT\n',
    );
  });

  it('takes the limits out where the kernel refuses: nobody may stay locked out', () => {
    commands.set('iptables-save', 'echo "*filter"');
    commands.set('iptables-restore', 'cat >/dev/null; exit 1');
    // two jumps stand there
    commands.set('iptables', 'case "$*" in *-D*) [ $(grep -c -e -D "$D/log") -le 2 ] ;; esac');
    expect(undo()).toMatchObject({ status: 1, stderr: expect.stringContaining('nothing is limited by it') });
    expect(commands.read('log').split('\n').slice(-5, -1)).toEqual([
      'iptables -w 10 -D INPUT -j HARDEN',
      'iptables -w 10 -D INPUT -j HARDEN',
      'iptables -w 10 -D INPUT -j HARDEN',
      'iptables -w 10 -F HARDEN',
    ]);
  });
});

describe('forgetOperator', () => {
  it('removes one address from each list that exists', () => {
    const { text } = forgetOperator(['A', 'MISSING'], '192.0.2.7');
    commands.run(`: > ${commands.directory}/A`);
    const done = commands.run(text.replaceAll('/proc/net/xt_recent', commands.directory));
    expect(done).toEqual({ stdout: '', stderr: '', status: 0 });
    expect(commands.read('A')).toBe('-192.0.2.7\n');
    expect(commands.read('MISSING')).toBe('');
  });

  it.each([
    [[], '192.0.2.7'],
    [['A'], ''],
    [['A'], 'x; reboot'],
  ])('does nothing for %j and %j', (lists, address) => expect(forgetOperator(lists, address).text).toBe(':'));
});
