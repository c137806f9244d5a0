import { expect, it } from 'vitest';
import { sshdProbe } from '../../src/probes/sshd.ts';

const read = (text: string) => sshdProbe.parse(Buffer.from(text), ['sshd']).get('sshd');

it('reads settings by keyword, of several the first', () => {
  expect(read('port 22\nport 2222\nMaxSessions 10\nbanner none\n')).toEqual({
    state: 'present',
    value: new Map([
      ['port', '22'],
      ['maxsessions', '10'],
      ['banner', 'none'],
    ]),
  });
});

it('is absent where sshd is', () => expect(read('')).toEqual({ state: 'absent' }));
