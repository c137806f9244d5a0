import { describe, expect, it } from 'vitest';
import { compile, type TaskChanges } from '../../../src/engine/steps/compile.ts';
import type { Change } from '../../../src/tasks/change.ts';

const entry = (id: string, guarded: boolean, ...changes: Change[]): TaskChanges => ({
  task: { id },
  guarded,
  changes,
});
const write = (path: string): Change => ({
  kind: 'write-file',
  path,
  before: { state: 'absent' },
  content: Buffer.from('x'),
});
const sync = (jail: string): Change => ({ kind: 'sync-fail2ban', jails: [jail], filters: [], restart: [] });
const unit = (name: string, action: 'start' | 'restart' | 'reload-or-restart' | 'enable'): Change => ({
  kind: 'control-unit',
  unit: name,
  action,
});
const rules: Change = {
  kind: 'load-rules',
  family: 'ipv4',
  chain: 'HARDEN',
  batch: '',
  replaces: [],
  undo: '',
  undoReplaced: '',
  before: [],
  after: [],
  lists: [],
};

const outline = (...wave: TaskChanges[]) =>
  compile(wave).map(({ phase, tasks, title }) => `${phase} ${tasks.join('+')}: ${title}`);

describe('compile', () => {
  it('confirms what could cut the operator off before it is made to last', () => {
    expect(
      outline(
        entry('limits', true, write('/rules'), rules, unit('limits.service', 'enable')),
        entry('file', false, write('/a')),
      ),
    ).toEqual([
      'plain file: write /a',
      'guarded limits: load the IPv4 rules',
      'confirmed limits: write /rules',
      'confirmed limits: enable limits.service',
    ]);
  });

  it('lets fail2ban take over all files once, at the end', () => {
    expect(
      outline(
        entry('sshd', false, write('/a'), sync('sshd')),
        entry('james', false, write('/b'), sync('james')),
        entry('limits', true, rules),
      ),
    ).toEqual([
      'plain sshd: write /a',
      'plain james: write /b',
      'guarded limits: load the IPv4 rules',
      'settle sshd+james: let fail2ban take over its files',
    ]);
  });

  it('keeps the firewall before a command that nobody can foresee', () => {
    const run: Change = { kind: 'run-command', command: 'iptables -F' };
    expect(outline(entry('run', true, run), entry('a', false, write('/a')))).toEqual([
      'plain a: write /a',
      'keep run: keep the firewall as it is',
      'guarded run: run iptables -F',
    ]);
    expect(outline(entry('run', false, run))).toEqual(['plain run: run iptables -F']);
  });

  it('installs all packages in one transaction', () => {
    const install = (name: string): Change => ({ kind: 'install-packages', names: ['shared', name] });
    expect(outline(entry('p', false, install('a')), entry('q', false, install('b')))).toEqual([
      'plain p+q: install shared a b',
    ]);
  });

  it('runs a command in a shell of its own', () => {
    const [step] = compile([entry('run', false, { kind: 'run-command', command: "if it's" })]);
    expect(step?.code.toString()).toBe("umask 022; sh -c 'if it'\\''s'");
  });

  it('asks fail2ban for the strongest thing that is wanted of it', () => {
    const server = (...actions: ('start' | 'restart' | 'reload-or-restart')[]) =>
      compile([
        entry('james', false, sync('james')),
        ...actions.map((action) => entry('f', false, unit('fail2ban.service', action))),
      ])[0]?.code.toString();
    expect(server()).toContain("server=''");
    expect(server('start', 'restart', 'reload-or-restart')).toContain("server='restart'");
    expect(server('start', 'reload-or-restart')).toContain("server='reload-or-restart'");
  });

  it('never starts fail2ban before its files were checked', () => {
    const wave = [
      entry('james', false, write('/b'), sync('james')),
      entry('running', false, unit('fail2ban.service', 'enable'), unit('fail2ban.service', 'restart')),
    ];
    expect(outline(...wave)).toEqual([
      'plain james: write /b',
      'plain running: enable fail2ban.service',
      'settle james+running: let fail2ban take over its files',
    ]);
    expect(compile(wave).at(-1)?.code.toString()).toContain("server='restart'");
  });

  it.each([
    ['fail2ban.service', 'start'],
    ['other.service', 'restart'],
  ] as const)('controls %s where nothing is to be taken over', (name, action) => {
    expect(outline(entry('running', false, unit(name, action)))).toEqual([
      `plain running: ${action} ${name}`,
    ]);
  });
});
