import { describe, expect, test } from 'vitest';
import {
  authenticated,
  closedProxy,
  connected,
  denied,
  fail,
  greeting,
  hop,
  jumped,
  kex,
  keyShown,
  lines,
  offering,
  proxied,
  refusedKey,
  silent,
  unknown,
  version,
  web1,
} from './ssh-logs.ts';

describe('by way of a jump host, the one that failed is named', () => {
  const open = lines(connected, kex, authenticated);
  const at = (words: string) => new RegExp(`^${words}`);
  const bastion = 'jump host bastion \\(203\\.0\\.113\\.1:22\\) on the way to web1';
  test.each<[string, string, string, string, RegExp]>([
    [
      'the jump host refuses the connection',
      lines(version, 'ssh: connect to host 203.0.113.1 port 22: Connection refused'),
      lines(proxied, closedProxy),
      'refused',
      at(`${bastion} refused the connection`),
    ],
    [
      'the jump host is silent',
      lines(connected, silent),
      lines(proxied, closedProxy),
      'timeout',
      at(`${bastion} took the connection`),
    ],
    [
      'the jump host answers nothing, and ssh is ended before it can say so',
      `${version}\ndebug1: Connecting to 203.0.113.1 [203.0.113.1] port 22.\n`,
      lines(proxied, silent),
      'timeout',
      at(`${bastion} did not answer within 10 s`),
    ],
    [
      'the jump host has a key that is not known',
      lines(connected, keyShown, unknown),
      lines(proxied, closedProxy),
      'host-key-unknown',
      at(`The key of ${bastion}`),
    ],
    [
      'the jump host knows no key',
      lines(connected, kex, offering(), refusedKey, 'jump@203.0.113.1: Permission denied (publickey).'),
      lines(proxied, closedProxy),
      'login-rejected',
      at(`${bastion} did not accept user jump`),
    ],
    [
      'the jump host does not forward',
      lines(
        open,
        'channel 0: open failed: administratively prohibited: open failed',
        'stdio forwarding failed',
      ),
      lines(proxied, closedProxy),
      'refused',
      /^The jump host before web1 .* AllowTcpForwarding/,
    ],
    [
      'the jump host cannot reach it, and says it in words of its own',
      lines(open, 'channel 0: open failed: connect failed: prohibited', 'stdio forwarding failed'),
      lines(proxied, closedProxy),
      'unreachable',
      /^The jump host before web1 .* could not reach it \(connect failed: prohibited\)/,
    ],
    ...[
      'Timeout, server 203.0.113.1 not responding.',
      'Connection to 203.0.113.1 closed by remote host.',
      'client_loop: send disconnect: Broken pipe',
      'Received disconnect from 203.0.113.1 port 22:11: ',
    ].map((row): [string, string, string, string, RegExp] => [
      `the jump host is lost: ${row}`,
      lines(open, row),
      lines(proxied, closedProxy),
      'lost',
      at(`The connection to ${bastion} was lost .*The script was not started`),
    ]),
    [
      'nothing comes through it: either may be the one',
      open,
      lines(proxied, silent),
      'timeout',
      at(`Nothing came from web1 \\(203\\.0\\.113\\.10:22\\) within 10 s by way of ${bastion}\\.`),
    ],
    [
      'the target greets and is then silent',
      open,
      lines(proxied, greeting, 'Connection to UNKNOWN port 65535 timed out'),
      'timeout',
      at('web1 .* did not finish the login'),
    ],
    [
      'the target closes; that ssh then ends the other one says nothing of the jump host',
      lines(open, 'Killed by signal 1.'),
      lines(proxied, closedProxy),
      'refused',
      at('web1 .* closed the connection before greeting'),
    ],
    [
      'the target knows no key',
      lines(open, 'Killed by signal 1.'),
      lines(proxied, kex, offering(), refusedKey, denied),
      'login-rejected',
      at('web1 .* did not accept user deploy'),
    ],
  ])('%s', (_name, first, log, reason, says) =>
    expect(jumped(first, log)).toMatchObject({ reason, message: expect.stringMatching(says) }),
  );

  test('a key that is not known is not to be pinned: the inventory pins that of the host behind it', () =>
    expect(jumped(lines(connected, keyShown, unknown), lines(proxied, closedProxy)).message).not.toContain(
      'host_key',
    ));

  test('of two, the first that was lost takes the other with it', () =>
    expect(
      fail([
        { waypoint: hop('outer'), log: lines(open, 'Timeout, server 203.0.113.1 not responding.') },
        { waypoint: hop('inner'), log: lines(open, 'Connection to UNKNOWN closed by remote host.') },
        { waypoint: web1, log: lines(proxied, closedProxy) },
      ]).message,
    ).toMatch(/^The connection to jump host outer /));
});
