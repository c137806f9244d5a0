import { expect, it } from 'vitest';
import { connectFailure, type Where } from '../../src/transport/errors.ts';
import { throughGate, wayTo } from '../../src/transport/gate.ts';

const stop = (address: string, hop?: string) => ({
  where: { name: 'mail1', address, port: 22, ...(hop === undefined ? {} : { hop }) } satisfies Where,
});

it.each<[string, string]>([
  ['192.0.2.1', '192.0.2.1 22'],
  ['localhost', '127.0.0.1 22'],
  ['no-such-host.invalid', 'no-such-host.invalid 22'],
])('the way to %s has one name, by whatever name it is called', async (address, way) => {
  expect(await wayTo([stop(address)])).toBe(way);
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
