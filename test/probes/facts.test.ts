import { expect, it } from 'vitest';
import { factsProbe } from '../../src/probes/facts.ts';

const read = (text: string) => factsProbe.parse(Buffer.from(text), ['facts']).get('facts');
const HOST = 'id=debian\nrelease=12\nclock=1764068400.25\noperator=2001:db8::7\nsystemd=yes\n';
const FACTS = {
  distribution: 'debian',
  release: '12',
  operator: '2001:db8::7',
  clock: 1_764_068_400.25,
  systemd: true,
};

it.each<[string, string, object]>([
  ['a host', HOST, {}],
  ['the machine itself', HOST.replace('2001:db8::7', ''), { operator: '' }],
  ['without systemd', HOST.replace('systemd=yes\n', ''), { systemd: false }],
  ['a rolling release', HOST.replace('=12\n', '=\n'), { release: '' }],
  ['an equals sign in a value', HOST.replace('debian', 'a=b'), { distribution: 'a=b' }],
])('facts of %s', (_, text, over) =>
  expect(read(text)).toEqual({ state: 'present', value: { ...FACTS, ...over } }),
);
