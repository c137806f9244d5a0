import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { confirmScript, rollbackScript } from '../../src/engine/guard.ts';
import { keepNetwork } from '../../src/engine/network.ts';
import { stepLibrary } from '../../src/engine/steps/library.ts';
import { keepTables } from '../../src/engine/tables.ts';
import { frameFunctions } from '../../src/shell/frame.ts';
import type { Change } from '../../src/tasks/change.ts';
import { Commands } from '../tasks/iptables/commands.ts';

let run = '';
let commands: Commands;
beforeEach(() => {
  commands = new Commands();
  run = mkdtempSync(join(tmpdir(), "harden-it's-"));
  for (const tool of ['iptables', 'ip6tables', 'fail2ban-client', 'logger']) commands.set(tool, ':');
  return () => {
    commands.remove();
    rmSync(run, { recursive: true });
  };
});
const there = (name: string) => readdirSync(run).includes(name);
const pending = () => {
  writeFileSync(join(run, 'files'), '');
  writeFileSync(join(run, 'pending'), '0\n');
};

/** Runs code in a shell that finds those tools and no others. */
async function sh(code: string): Promise<string> {
  const child = spawn('sh', ['-s'], { env: { PATH: `${commands.directory}:/usr/bin:/bin` } });
  child.stdin.end(`${code.replace(/^export .*PATH=.*$/m, '')}\n`);
  return text(child.stdout);
}
const called = () => commands.read('log');
const command: Change = { kind: 'run-command', command: 'ufw enable', guarded: true };
const rollback = (changes: readonly Change[] = []) => sh(rollbackScript(run, changes, '192.0.2.1').text);
const confirm = async () =>
  (await sh(`${frameFunctions('aa').text}\n${confirmScript(run).text}`)).replace('@@aa guard ', '').trim();

describe('the guard', () => {
  it('that is confirmed undoes nothing any more', async () => {
    pending();
    expect(await confirm()).toBe('confirmed');
    await rollback([command]);
    expect(there('rolledback')).toBe(false);
    expect(called()).toBe('');
  });

  it('that undid cannot be confirmed any more, and says so', async () => {
    pending();
    await rollback();
    expect(there('rolledback')).toBe(true);
    expect(await confirm()).toBe('rolledback');
    expect(there('confirmed')).toBe(false);
  });

  it('undoes where nothing can be renamed, as on a disk that became read-only: nobody can confirm there either', async () => {
    pending();
    commands.set('mv', 'exit 1');
    expect(await confirm()).toBe('gone');
    await rollback();
    expect(called()).toContain('logger -t harden');
    expect(there('undone')).toBe(true);
  });

  it('takes the mark of a command away, or it would pass for done', async () => {
    pending();
    const mark = join(run, 'mark');
    writeFileSync(mark, '');
    await rollback([{ kind: 'run-command', command: ':', guarded: true, mark }]);
    expect(there('mark')).toBe(false);
  });

  it('undoes once, however often it is told to', async () => {
    pending();
    await rollback();
    const once = called();
    expect(once).toContain('logger -t harden');
    await rollback();
    await rollback();
    expect(called()).toBe(once);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['waits', pending, /^Undone: what nobody had confirmed is as it was before\.\n0\n$/],
    [
      'was undone before',
      async () => {
        pending();
        await rollback();
      },
      /^Nothing to undo: what nobody had confirmed was undone before\.\n0\n$/,
    ],
    [
      'was confirmed',
      async () => {
        pending();
        await confirm();
      },
      /^Nothing to undo: a login confirmed what this run changed\..*\n0\n$/,
    ],
    ['waits for nothing', () => {}, /^Nothing to undo: nothing .* waits for a confirmation\..*\n0\n$/],
    [
      'cannot be put back',
      () => {
        pending();
        writeFileSync(join(run, 'files'), '1 file /none/a\n2 file /none/b\n');
      },
      /^Undone, but this could not be put back: \/none\/b, \/none\/a\.\n1\n$/,
    ],
    [
      'is undone where that cannot be noted',
      () => {
        pending();
        symlinkSync('/none/undone', join(run, 'undone'));
      },
      /^Undone as far as possible, which could not be noted in .*\n1\n$/,
    ],
  ])('tells whoever undoes by hand, and nobody else, what became of what %s', async (_, prepare, said) => {
    await prepare();
    const script = rollbackScript(run, [], '').text;
    const by = (whom: string) => sh(`( set -- ${whom}\n${script}\n); echo $?`);
    expect(await by('')).toMatch(said);
    expect(await by('job')).toMatch(/^\d\n$/);
    expect(await by('boot')).toMatch(/^\d\n$/);
  });

  it('tells whoever undoes by hand what of a command stands', async () => {
    pending();
    expect(await rollback([command])).toBe(
      'Undone: what nobody had confirmed is as it was before; of a command the host puts firewall rules, links, addresses and routes back, and what else the command did stands.\n',
    );
  });

  it('has nothing to confirm, and nothing to undo, where nothing waits', async () => {
    expect(await confirm()).toBe('gone');
    await rollback([command]);
    expect(called()).toBe('');
  });

  it('is confirmed or undone, never both and never neither, whoever comes first', async () => {
    const won = new Set<string>();
    const soon = async (act: () => Promise<string>) => {
      await sleep(100);
      return act();
    };
    for (let round = 0; round < 30; round++) {
      for (const name of readdirSync(run)) rmSync(join(run, name));
      pending();
      // at once, or one of them well before the other
      const [said = ''] = await Promise.all(
        [
          [confirm(), rollback(), rollback()],
          [soon(confirm), rollback(), soon(confirm)],
          [confirm(), soon(rollback), soon(rollback)],
        ][round % 3]!,
      );
      won.add(said);
      expect([there('confirmed'), there('rolledback'), there('pending')]).toEqual(
        said === 'confirmed' ? [true, false, false] : [false, true, false],
      );
    }
    expect([...won].sort()).toEqual(['confirmed', 'rolledback']);
    // 90 shells, beside whatever else the machine does
  }, 60_000);
});

describe('the network', () => {
  const keep = () =>
    sh(`RUN='${run.replaceAll("'", "'\\''")}'
${stepLibrary.text}
( set -e
${keepNetwork.text}
) 2>&1; echo "status $?"`);

  const HOST = `case $* in
    '-o link show up') printf '1: lo: <UP>\\n2: eth0@if3: <UP>\\n' ;;
    '-o addr show') printf '2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global dynamic eth0\\\\       valid_lft 9sec\\n' ;;
    '-4 -o route show') printf 'default via 192.0.2.1 dev eth0 linkdown \\n10.0.0.0/8 \\\\\\tnexthop via 192.0.2.3 dev dead dead\\n' ;;
    esac`;
  const kept = (kind: string) => readFileSync(join(run, `${kind}.before`), 'utf8');

  it('is kept whole, as it is added again, or nothing is begun', async () => {
    commands.set('ip', HOST);
    expect(await keep()).toBe('status 0\n');
    expect(kept('links')).toBe('lo\neth0\n');
    expect(kept('addresses')).toBe('192.0.2.2/24 brd 192.0.2.255 scope global dev eth0\n');
    expect(kept('routes4')).toBe(
      'default via 192.0.2.1 dev eth0\n10.0.0.0/8 nexthop via 192.0.2.3 dev dead\n',
    );
    commands.set('ip', `case $* in '-4 route show') exit 1 ;; esac`);
    expect(await keep()).toMatch(/^addresses and routes could not be kept.*\nstatus 1\n$/);
  });

  it('is put back before the units stand as they did, and after them; what could not be is told', async () => {
    pending();
    commands.set('ip', HOST);
    await keep();
    writeFileSync(
      join(run, 'routes4.before'),
      'default via 192.0.2.1 dev eth0\n10.1.0.0/16 dev eth0\n10.2.0.0/16 dev gone\n',
    );
    commands.set('ip', `case $* in 'link show dev gone' | *prepend*) exit 1 ;; esac\n${HOST}`);
    await rollback([command]);
    const put = ['link set dev lo up', 'link set dev eth0 up'];
    // the first may be what the second needs
    const added = ['-4 route prepend 10.1.0.0/16 dev eth0', '-4 route prepend 10.1.0.0/16 dev eth0'];
    expect(called().match(/^ip (?:link set|.*(?:add|prepend) ).*$/gm)).toEqual(
      [...put, ...added, ...put, ...added].map((one) => `ip ${one}`),
    );
    expect(readFileSync(join(run, 'trouble'), 'utf8')).toBe('the route 10.1.0.0/16 dev eth0\n');
  });
});

describe('the tables', () => {
  const keep = () =>
    sh(
      `RUN='${run.replaceAll("'", "'\\''")}'\n${stepLibrary.text}\n( set -e\n${keepTables.text}\n) 2>&1; echo "status $?"`,
    );

  it('are kept, of the families that the host has', async () => {
    commands.set('iptables-save', 'echo "*filter"');
    expect(await keep()).toBe('status 0\n');
    expect(readFileSync(join(run, 'iptables.before'), 'utf8')).toBe('*filter\n');
    expect(there('ip6tables.before')).toBe(false);
  });

  it('are kept whole, or nothing is begun', async () => {
    commands.set('iptables-save', 'echo "*filter"');
    commands.set('ip6tables-save', 'echo "*fil"; exit 1');
    expect(await keep()).toBe(
      'the ip6tables rules could not be kept, so nothing was tried that could not be undone\nstatus 1\n',
    );
  });

  it('of nft are kept, but for those of iptables, which its own tools keep', async () => {
    commands.set(
      'nft',
      `case "$*" in
  "list tables") printf 'table ip filter\\ntable inet my-own\\ntable ip mine\\n' ;;
  *) echo "table $3 $4 {"; echo "}" ;;
esac`,
    );
    expect(await keep()).toBe('status 0\n');
    expect(readFileSync(join(run, 'nft.before'), 'utf8')).toBe(
      'table inet my-own {\n}\ntable ip mine {\n}\n',
    );
    commands.set('nft', 'case "$*" in "list tables") echo "table inet x" ;; *) exit 1 ;; esac');
    expect(await keep()).toMatch(/^the rules of nft could not be kept.*\nstatus 1\n$/);
  });

  it.each([
    ['only before the units stand as they did', 'mkdir "$D/tried" 2>/dev/null && exit 1', false],
    ['to the end', 'exit 1', true],
  ])('that could not be put back %s are told then', async (_, fails, told) => {
    pending();
    for (const name of ['iptables', 'ip6tables', 'nft'])
      writeFileSync(join(run, `${name}.before`), 'table inet x {\n}\n');
    for (const tool of ['iptables-restore', 'ip6tables-restore'])
      commands.set(tool, `cat > /dev/null; ${fails.replace('tried', `tried-${tool}`)}; exit 0`);
    commands.set('nft', `[ "$1" = -f ] || exit 0; cat > /dev/null; ${fails}; exit 0`);
    await rollback([command]);
    expect(there('undone')).toBe(true);
    expect(there('trouble') ? readFileSync(join(run, 'trouble'), 'utf8') : '').toBe(
      told ? 'the rules of nft\nthe iptables rules\nthe ip6tables rules\n' : '',
    );
  });

  it('are put back; one that was not there is emptied and opened', async () => {
    pending();
    writeFileSync(join(run, 'iptables.before'), '*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n');
    commands.set('iptables-save', 'printf "*nat\\n*filter\\n"');
    commands.set('iptables-restore', 'cat > "$D/fed"');
    commands.set('iptables', 'case $* in *-S*) echo "-P OUTPUT DROP"; echo "-A OUTPUT -j ACCEPT" ;; esac');
    await rollback([command]);
    expect(commands.read('fed')).toContain(':INPUT ACCEPT');
    const opened = [
      'iptables -w 10 -t nat -F',
      'iptables -w 10 -t nat -X',
      'iptables -w 10 -t nat -S',
      'iptables -w 10 -t nat -P OUTPUT ACCEPT',
    ];
    // before the units, and after them
    expect(
      called()
        .split('\n')
        .filter((line) => /^iptables /.test(line)),
    ).toEqual([...opened, ...opened]);
    expect(called()).toContain('fail2ban-client reload --restart');
  });
});
