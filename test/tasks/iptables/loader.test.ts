import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sh } from '../../../src/shell/quote.ts';
import { leaveOther, loadChain } from '../../../src/tasks/iptables/loader.ts';
import { Commands } from './commands.ts';

let commands: Commands;
beforeEach(() => {
  commands = new Commands();
  commands.set('sleep', ':');
});
afterEach(() => commands.remove());

const BATCH =
  '# ours\n*filter\n:MY.CHAIN - [0:0]\n-A MY.CHAIN -i lo -j RETURN\n-I INPUT 1 -j MY.CHAIN\nCOMMIT\n';
const load = () =>
  commands.run(
    sh`${loadChain('MY.CHAIN')}
printf '%s' ${BATCH} | load_chain iptables`.text,
  );

it('takes away the jumps that stand there, in the same transaction', () => {
  commands.set(
    'iptables-save',
    `cat <<'END'
*filter
:INPUT ACCEPT [0:0]
-A INPUT -j MY.CHAIN 
-A INPUT -j MYxCHAIN
-A INPUT -i eth0 -m comment --comment "to \\"it\\"" -g MY.CHAIN
-A INPUT -m comment --comment "-j MY.CHAIN" -j ACCEPT
-A FORWARD -j MY.CHAIN
COMMIT
END`,
  );
  commands.set('iptables-restore', 'cat > "$D/fed"');
  expect(load()).toEqual({ stdout: '', stderr: '', status: 0 });
  expect(commands.read('fed')).toBe(
    BATCH.replace(
      '[0:0]\n',
      '[0:0]\n-D INPUT -j MY.CHAIN\n-D INPUT -i eth0 -m comment --comment "to \\"it\\"" -g MY.CHAIN\n',
    ),
  );
  expect(commands.read('log')).toContain('iptables-restore --noflush -w 10\n');
});

it.each([
  ['a lock that is let go', '[ $(grep -c restore "$D/log") -ge 2 ] || exit 4', 0, 2],
  ['a lock that is held on to', 'exit 4', 4, 3],
  ['a refusal', 'exit 1', 1, 1],
])('after %s', (_, code, status, tries) => {
  commands.set('iptables-save', 'echo "*filter"');
  commands.set('iptables-restore', `cat >/dev/null; ${code}`);
  expect(load().status).toBe(status);
  expect(commands.read('log').match(/restore/g)).toHaveLength(tries);
});

it('loads nothing where the rules cannot be read: jumps could stand there twice', () => {
  commands.set('iptables-save', 'exit 3');
  commands.set('iptables-restore', ':');
  expect(load().status).toBe(3);
  expect(commands.read('log')).not.toContain('restore');
});

it.each(['', '-x', 'a b', "a'b", 'a/b', 'x'.repeat(29)])('refuses %j as a chain', (name) => {
  expect(() => loadChain(name)).toThrow('is not a name for a chain');
});

describe('leaveOther', () => {
  const leave = () =>
    commands.run(
      sh`${loadChain('HARDEN')}
${leaveOther('HARDEN')}
leave_other iptables`.text,
    );
  beforeEach(() => {
    commands.set('iptables', 'echo "iptables v1.8.9 (legacy)"');
    commands.set('iptables-nft-restore', 'cat > "$D/fed"');
  });

  it('takes the chain and its jumps out of the other back end', () => {
    commands.set('iptables-nft-save', 'echo ":HARDEN - [0:0]"; echo "-A INPUT -i lo -j HARDEN"');
    expect(leave().status).toBe(0);
    expect(commands.read('fed')).toBe(
      '*filter\n:HARDEN - [0:0]\n-D INPUT -i lo -j HARDEN\n-X HARDEN\nCOMMIT\n',
    );
  });

  it('does nothing where it holds no chain of ours, or does not exist', () => {
    expect(leave().status).toBe(0);
    commands.set('iptables-nft-save', 'echo ":HARDENED - [0:0]"');
    expect(leave().status).toBe(0);
    expect(commands.read('log')).not.toContain('restore');
  });

  it('says when it could not', () => {
    commands.set('iptables-nft-save', 'echo ":HARDEN - [0:0]"');
    commands.set('iptables-nft-restore', 'cat >/dev/null; exit 1');
    expect(leave().status).toBe(1);
  });
});
