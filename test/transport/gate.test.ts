import { expect, it, vi } from 'vitest';
import { connectFailure, type Where } from '../../src/transport/errors.ts';
import { namesOf, throughGate, wayTo } from '../../src/transport/gate.ts';

const stop = (address: string, hop?: string) => ({
  where: { name: 'mail1', address, port: 22, ...(hop === undefined ? {} : { hop }) } satisfies Where,
});

const ADDRESSES = [
  { family: 6, address: '2001:db8::1' },
  { family: 4, address: '192.0.2.9' },
  { family: 4, address: '192.0.2.1' },
];
const never = () => new Promise<never>(() => {});

it.each<[string, () => Promise<typeof ADDRESSES>, string]>([
  ['one of several addresses, always the same', async () => ADDRESSES, '192.0.2.1 22'],
  ['the name of one that nobody knows', () => Promise.reject(new Error('ENOTFOUND')), 'mail1 22'],
  ['the name of one that nobody tells in time', never, 'mail1 22'],
])('a way is called by %s', async (_, lookup, way) => {
  expect(await wayTo([stop('mail1')], undefined, namesOf(lookup, 20))).toBe(way);
});

it('a name is looked up once, also where nobody told it', async () => {
  const lookup = vi.fn(never);
  const names = namesOf(lookup, 20);
  for (let i = 0; i < 3; i++) await wayTo([stop('mail1')], undefined, names);
  expect(lookup).toHaveBeenCalledTimes(1);
});

it('an interruption ends a lookup, and does not change what is known', async () => {
  const abort = new AbortController();
  const way = wayTo([stop('mail1')], abort.signal, namesOf(never, 60_000));
  abort.abort();
  expect(await way).toBe('mail1 22');
  const known = namesOf(async () => ADDRESSES, 60_000);
  await wayTo([stop('mail1')], undefined, known);
  expect(await wayTo([stop('mail1')], abort.signal, known)).toBe('192.0.2.1 22');
});

it('a name that a proxy looks up is not looked up here', async () => {
  const lookup = vi.fn(async () => ADDRESSES);
  const proxied = { ...stop('mail1'), settings: { proxyCommand: 'nc -X 5 %h %p' } };
  expect(await wayTo([proxied], undefined, namesOf(lookup, 20))).toBe('mail1 22');
  expect(lookup).not.toHaveBeenCalled();
});

it('without a gate a connection is opened at once', () => {
  const open = vi.fn(async () => {});
  void throughGate(undefined, [stop('mail1')], undefined, open);
  expect(open).toHaveBeenCalled();
});

it('past a jump host the names are those that it looks up', async () => {
  expect(await wayTo([stop('localhost', 'bastion'), stop('localhost')])).toBe('127.0.0.1 22, localhost 22');
});

it.each([
  ['the jump host', 0, '192.0.2.1 22'],
  ['the host behind it', 1, '192.0.2.1 22, 192.0.2.2 22'],
])('of a way that is made at once the silence of %s is noted where it was', async (_, silent, way) => {
  const stops = [stop('192.0.2.1', 'bastion'), stop('192.0.2.2')];
  const noted: string[] = [];
  const gate = {
    admit: async () => {},
    unanswered: async (one: string, { hop = 'target' }: Where) => {
      noted.push(one);
      return `It was ${hop}.`;
    },
  };
  const open = () =>
    Promise.reject(
      connectFailure(stops[silent]!.where, Object.assign(new Error(), { code: 'ETIMEDOUT' }), 10),
    );
  await expect(throughGate(gate, stops, undefined, open)).rejects.toThrow(
    new RegExp(` It was ${silent === 0 ? 'bastion' : 'target'}\\.$`),
  );
  expect(noted).toEqual([way]);
});
