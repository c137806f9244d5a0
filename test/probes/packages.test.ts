import { describe, expect, it } from 'vitest';
import { packageProbe } from '../../src/probes/packages.ts';

describe('package probe', () => {
  it('tells installed, half-way and unknown apart', () => {
    const output = Buffer.from(
      'fail2ban installed 1.0.2-2\nbroken half-configured 3\ngone config-files 1\nnever not-installed \n',
    );
    const seen = packageProbe.parse(output, ['fail2ban', 'broken', 'gone', 'never', 'unheard-of']);
    expect(Object.fromEntries(seen)).toEqual({
      fail2ban: { state: 'present', value: { status: 'installed', version: '1.0.2-2' } },
      broken: { state: 'present', value: { status: 'half-configured', version: '3' } },
      gone: { state: 'absent' },
      never: { state: 'absent' },
      'unheard-of': { state: 'absent' },
    });
  });
});
