import { describe, expect, it } from 'vitest';
import { cutsOffAmong, leftUnread } from '../../../src/engine/door.ts';
import { compile as compileFor, type TaskChanges } from '../../../src/engine/steps/compile.ts';
import type { Change, ControlUnit } from '../../../src/tasks/change.ts';
import { doors } from '../doors.ts';

const entry = (id: string, ...changes: Change[]): TaskChanges => ({ task: { id }, changes });
const write = (path: string): Change => ({
  kind: 'write-file',
  path,
  before: { state: 'absent' },
  content: Buffer.from('x'),
});
const sync = (jail: string): Change => ({ kind: 'sync-fail2ban', jails: [jail], filters: [], restart: [] });
const unit = (name: string, action: ControlUnit['action']): Change => ({
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

const compile = (wave: readonly TaskChanges[], seen = doors()) =>
  compileFor(wave, {
    cutsOff: cutsOffAmong(
      wave.flatMap(({ changes }) => changes),
      seen,
    ),
    leftUnread: (all) => leftUnread(all, seen),
  });
const outline = (...wave: TaskChanges[]) =>
  compile(wave).steps.map(({ phase, tasks, title }) => `${phase} ${tasks.join('+')}: ${title}`);

describe('compile', () => {
  it('confirms what could cut the operator off before it is made to last', () => {
    expect(
      outline(
        entry('limits', write('/rules'), rules, unit('limits.service', 'enable')),
        entry('file', write('/a')),
      ),
    ).toEqual([
      'plain file: write /a',
      'arm limits: make ready to undo what follows',
      'guarded limits: load the IPv4 rules',
      'confirmed limits: write /rules',
      'confirmed limits: enable limits.service',
    ]);
  });

  it('guards what the host names as a door', () => {
    const wave = [entry('keys', write('/opt/keys')), entry('other', write('/opt/other'))];
    const { steps, guarded } = compile(wave, doors({ parts: ['/opt/keys'] }));
    expect(steps.map(({ phase, tasks }) => `${phase} ${tasks}`)).toEqual([
      'plain other',
      'arm keys',
      'guarded keys',
    ]);
    expect(guarded).toEqual([write('/opt/keys')]);
  });

  it('tries what sshd would read at its next start, if nothing makes it read that now', () => {
    const config = entry('config', write('/etc/ssh/sshd_config.d/x.conf'));
    const keys = entry('keys', write('/opt/keys'));
    expect(outline(config, keys)).toEqual([
      'plain keys: write /opt/keys',
      'arm config: make ready to undo what follows',
      'guarded config: write /etc/ssh/sshd_config.d/x.conf',
      "guarded config: try sshd's configuration",
    ]);
    expect(outline(config, entry('sshd', unit('ssh.service', 'reload-or-restart')))).toEqual([
      'arm config+sshd: make ready to undo what follows',
      'guarded config: write /etc/ssh/sshd_config.d/x.conf',
      'guarded sshd: reload-or-restart ssh.service',
    ]);
  });

  it('does what no host could undo after the login that confirms the rest', () => {
    const purge: Change = { kind: 'remove-packages', names: ['fail2ban', 'x'] };
    const chain: Change = { kind: 'remove-rules', family: 'ipv4', chain: 'HARDEN', before: [] };
    expect(
      outline(
        entry('rollback', chain, write('/etc/ssh/sshd_config'), write('/etc/fail2ban/a'), write('/b'), purge),
      ),
    ).toEqual([
      'arm rollback: make ready to undo what follows',
      'guarded rollback: write /etc/ssh/sshd_config',
      'guarded rollback: write /b',
      "guarded rollback: try sshd's configuration",
      'confirmed rollback: remove the IPv4 rules',
      'confirmed rollback: write /etc/fail2ban/a',
      'confirmed rollback: purge fail2ban x and what only they needed',
    ]);
    expect(outline(entry('package', purge))).toEqual([
      'plain package: purge fail2ban x and what only they needed',
    ]);
  });

  it('lets fail2ban take over all files once, at the end', () => {
    expect(
      outline(
        entry('sshd', write('/a'), sync('sshd')),
        entry('james', write('/b'), sync('james')),
        entry('log', write('/l')),
        entry('limits', rules),
      ),
    ).toEqual([
      'plain log: write /l',
      'arm sshd+james+limits: make ready to undo what follows',
      'guarded sshd: write /a',
      'guarded james: write /b',
      'guarded limits: load the IPv4 rules',
      'settle sshd+james: let fail2ban take over its files',
    ]);
  });

  it('keeps the firewall before a command or a unit that nobody can foresee', () => {
    const run = (guarded: boolean): Change => ({ kind: 'run-command', command: 'iptables -F', guarded });
    const guarded = entry('run', run(true));
    expect(outline(guarded, entry('a', write('/a')))).toEqual([
      'plain a: write /a',
      'arm run: make ready to undo what follows',
      'guarded run: run iptables -F',
    ]);
    expect(compile([guarded]).steps[0]?.code.text).toContain('rules could not be kept');
    const keeps = (change: Change) =>
      compile([entry('x', change)]).steps[0]?.code.text.includes('rules could not be kept');
    expect(keeps(unit('my-firewall.service', 'start'))).toBe(true);
    expect(keeps(unit('ssh.service', 'restart'))).toBe(false);
    expect(keeps(rules)).toBe(false);
    expect(outline(entry('run', run(false)))).toEqual(['plain run: run iptables -F']);
  });

  it('installs all packages in one transaction', () => {
    const install = (name: string): Change => ({ kind: 'install-packages', names: ['shared', name] });
    expect(outline(entry('p', install('a')), entry('q', install('b')))).toEqual([
      'plain p+q: install shared a b',
    ]);
  });

  it('runs a command in a shell of its own', () => {
    const [step] = compile([entry('run', { kind: 'run-command', command: "if it's" })]).steps;
    expect(step?.code.toString()).toBe("umask 022; sh -c 'if it'\\''s'");
  });

  it('asks fail2ban for the strongest thing that is wanted of it', () => {
    const server = (...actions: ('start' | 'restart' | 'reload-or-restart')[]) =>
      compile([
        entry('james', sync('james')),
        ...actions.map((action) => entry('f', unit('fail2ban.service', action))),
      ])
        .steps.at(-1)
        ?.code.toString();
    expect(server()).toContain("server=''");
    expect(server('start', 'restart', 'reload-or-restart')).toContain("server='restart'");
    expect(server('start', 'reload-or-restart')).toContain("server='reload-or-restart'");
  });

  it('never starts fail2ban before its files were checked', () => {
    const wave = [
      entry('james', write('/b'), sync('james')),
      entry('running', unit('fail2ban.service', 'enable'), unit('fail2ban.service', 'restart')),
    ];
    expect(outline(...wave)).toEqual([
      'arm james+running: make ready to undo what follows',
      'guarded james: write /b',
      'guarded running: enable fail2ban.service',
      'settle james+running: let fail2ban take over its files',
    ]);
    expect(compile(wave).steps.at(-1)?.code.toString()).toContain("server='restart'");
  });

  it.each([
    ['fail2ban.service', 'start', 'guarded'],
    ['other.service', 'restart', 'guarded'],
    ['other.service', 'enable', 'plain'],
    ['james.service', 'restart', 'plain'],
  ] as const)('controls %s where nothing is to be taken over', (name, action, phase) => {
    expect(outline(entry('running', unit(name, action))).at(-1)).toBe(`${phase} running: ${action} ${name}`);
  });

  it('does not guard what is taken from a fail2ban that is about to go', () => {
    const gone: Change = { kind: 'remove-file', path: '/etc/fail2ban/jail.d/james.conf', sha256: 'x' };
    expect(
      outline(
        entry('james', gone, sync('james')),
        entry('package', { kind: 'remove-packages', names: ['fail2ban'] }),
      ),
    ).toEqual([
      'plain james: remove /etc/fail2ban/jail.d/james.conf',
      'plain package: purge fail2ban and what only they needed',
    ]);
  });

  it('tells which steps may have done something although they failed', () => {
    const steps = compile([
      entry('sshd', write('/etc/ssh/sshd_config'), unit('ssh.service', 'reload-or-restart')),
    ]).steps;
    expect(steps.map(({ phase, partial = false }) => [phase, partial])).toEqual([
      ['arm', false],
      ['guarded', false],
      ['guarded', true],
    ]);
  });
});
