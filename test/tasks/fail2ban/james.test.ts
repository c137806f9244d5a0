import { describe, expect, it } from 'vitest';
import { failregexProblem } from '../../../src/tasks/fail2ban/failregex.ts';
import { jamesFailregex } from '../../../src/tasks/fail2ban/james.ts';

const RELEASED = jamesFailregex('3.9.0');
const DEVELOPMENT = jamesFailregex('3.10.0-SNAPSHOT');

describe('jamesFailregex', () => {
  it.each([undefined, '', 'x', '3.5.0', '3.8.1', '3.9', '3.9.1-SNAPSHOT', '2.10.0'])(
    'counts no audited login of %s: it would be a second copy, or there is none',
    (version) => expect(jamesFailregex(version)).toEqual(RELEASED),
  );

  it.each(['3.10.0-SNAPSHOT', '3.10', '3.11.2', '3.100.0', '4.0.0', '10.0.0'])(
    'counts it of %s: it is the only trace',
    (version) => expect(jamesFailregex(version)).toEqual(DEVELOPMENT),
  );

  it.each(DEVELOPMENT)('%s can be compared with a running server', (regex) =>
    expect(failregexProblem(regex)).toBeUndefined(),
  );

  it('has one more for the development branch', () =>
    expect(DEVELOPMENT).toEqual([...RELEASED, expect.stringContaining('SMTP Authentication failed')]));
});
