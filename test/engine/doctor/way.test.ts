import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Journey, RUNGS, way } from '../../../src/engine/doctor/way.ts';
import type { Reached, TransportFailure } from '../../../src/transport/transport.ts';

const MILESTONES = ['planned', 'connected', 'trusted', 'logged-in'] as const;

/** All milestones of one host up to this one. */
const upTo = (last: Reached['milestone'], hop?: string): Reached[] =>
  MILESTONES.slice(0, MILESTONES.indexOf(last) + 1).map((milestone) => ({
    milestone,
    address: '192.0.2.1',
    port: 22,
    user: 'admin',
    ...(hop === undefined ? {} : { hop }),
  }));

const journey = (reason: TransportFailure | undefined, over: Partial<Journey>): Journey => ({
  target: { connection: 'ssh', become: true },
  reached: [],
  answered: false,
  ...(reason ? { error: { reason, message: 'It ended.' } } : {}),
  ...over,
});

/** A letter a rung: `=` well, `x` trouble, `-` not looked at. */
const drawn = (one: Journey): string =>
  RUNGS.map(
    (rung) => ({ ok: '=', trouble: 'x', warning: '!', 'not looked at': '-' })[way(one)[rung].state],
  ).join('');

const hop = upTo('logged-in', 'bastion');

describe('the way to a host', () => {
  //                                                          name, tcp, host-key, login, shell, sudo
  it.each<[string, TransportFailure | undefined, Partial<Journey>, string]>([
    ['to its end', undefined, { reached: upTo('logged-in'), answered: true }, '======'],
    ['a name without an address', 'unresolved', { reached: upTo('planned') }, 'x-----'],
    ['a name that ssh refuses', 'unresolved', {}, 'x-----'],
    ['a port that is shut', 'refused', { reached: upTo('planned') }, '=x----'],
    ['no answer', 'timeout', { reached: upTo('planned') }, '=x----'],
    ['no greeting', 'refused', { reached: upTo('connected') }, '=x----'],
    ['no algorithm in common', 'no-common-algorithm', { reached: upTo('connected') }, '==x---'],
    ['another key', 'host-key-changed', { reached: upTo('connected') }, '==x---'],
    ['a pinned key that cannot be one', 'host-key-unknown', {}, '--x---'],
    ['no key to log in with', 'key-unusable', {}, '---x--'],
    ['an agent that does not sign', 'key-unusable', { reached: upTo('trusted') }, '===x--'],
    ['a key that is not accepted', 'login-rejected', { reached: upTo('trusted') }, '===x--'],
    ['a login that takes too long', 'timeout', { reached: upTo('trusted') }, '===x--'],
    ['a shell that runs nothing', 'login-rejected', { reached: upTo('logged-in') }, '====x-'],
    ['no session', 'refused', { reached: upTo('logged-in') }, '====x-'],
    ['a wrong password for sudo', 'sudo-password-wrong', { reached: upTo('logged-in') }, '=====x'],
    ['a sudo that waits', 'timeout', { reached: upTo('logged-in') }, '=====x'],
    ['a connection lost in the middle', 'lost', { reached: upTo('logged-in'), answered: true }, '=====x'],
    // a transport that tells no milestones
    ['no sudo', 'sudo-missing', {}, '=====x'],
    ['a rejected login', 'login-rejected', {}, '---x--'],
    // what is known of the jump host says nothing of the host behind it
    ['a jump host that refuses', 'refused', { reached: upTo('planned', 'bastion') }, '-x----'],
    ['a jump host with another key', 'host-key-changed', { reached: upTo('connected', 'bastion') }, '--x---'],
    [
      'a host that its jump host cannot reach',
      'unreachable',
      { reached: [...hop, ...upTo('planned')] },
      '-x----',
    ],
    [
      'a host with another key behind one',
      'host-key-changed',
      { reached: [...hop, ...upTo('connected')] },
      '==x---',
    ],
  ])('%s', (_, reason, over, expected) => {
    const one = journey(reason, over);
    expect(drawn(one)).toBe(expected);
    const failed = RUNGS.find((rung) => way(one)[rung].state === 'trouble');
    if (failed) expect(way(one)[failed].says).toBe('It ended.');
  });

  it('says how it led there', () => {
    const found = way(
      journey(undefined, {
        target: { connection: 'ssh', become: true, hostKey: 'ssh-ed25519 AAAA' },
        reached: [...hop, ...upTo('logged-in')],
        answered: true,
        loginUser: { user: 'admin', shell: '/usr/bin/fish', root: true },
      }),
    );
    expect(RUNGS.map((rung) => found[rung].says)).toEqual([
      '192.0.2.1, port 22, through bastion',
      'it takes connections',
      'it shows the key that the inventory pins',
      'it lets admin in',
      '/usr/bin/fish runs commands',
      'admin becomes root',
    ]);
  });

  it('needs nothing on the machine itself', () => {
    const loginUser = { user: 'root', shell: '/bin/bash', root: true };
    const found = way(
      journey(undefined, { target: { connection: 'local', become: true }, answered: true, loginUser }),
    );
    expect([found.name.says, found.sudo.says]).toEqual(['this machine itself', 'root itself logs in']);
  });

  it('has one trouble where it failed, and claims nothing of what is behind it', () => {
    const reasons: TransportFailure[] = [
      'unresolved',
      'refused',
      'timeout',
      'unreachable',
      'no-common-algorithm',
      'host-key-unknown',
      'host-key-changed',
      'host-key-revoked',
      'login-rejected',
      'key-unusable',
      'sudo-missing',
      'sudo-password-needed',
      'sudo-password-wrong',
      'sudo-forbidden',
      'lost',
      'interrupted',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...reasons),
        fc.option(fc.constantFrom(...MILESTONES)),
        fc.option(fc.constant('bastion'), { nil: undefined }),
        fc.boolean(),
        (reason, last, through, answered) => {
          const reached = last === null ? [] : upTo(last, through);
          expect(drawn(journey(reason, { reached, answered }))).toMatch(/^(=*-*x-*)$/);
        },
      ),
    );
  });
});
