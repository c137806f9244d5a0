import type { Observed } from '../../probes/probe.ts';
import type { SshdSettings } from '../../probes/sshd.ts';
import { printable } from '../../text/harmless.ts';
import { type Finding, ok, trouble, warning } from './finding.ts';

/** Fewer logins under way than this, and strangers that knock keep the confirming login out. */
const LOGINS_UNDER_WAY = 5;

/** Whether sshd would start again with its configuration, and what of it bites whoever logs in often. */
export function sshd(seen: Observed<SshdSettings>): Finding {
  if (seen.state === 'absent') return ok('there is no sshd here');
  if (seen.state === 'unreadable') {
    // of an sshd that systemd starts for each connection: no fault of its configuration
    if (/privilege separation directory/i.test(seen.why)) return ok('started for each connection');
    return trouble(
      `it does not take its own configuration, so it will not start again: ${printable(seen.why)}`,
      'Keep a session open, mend what it names, and try again with sshd -t.',
    );
  }
  const setting = (name: string) => seen.value.get(name) ?? 'none';
  const start = Number.parseInt(setting('maxstartups'), 10);
  if (start < LOGINS_UNDER_WAY)
    return warning(
      `with MaxStartups ${setting('maxstartups')} it drops new connections as soon as ${start === 1 ? 'one login is' : `${start} logins are`} under way, whoever they are from`,
      'Raise MaxStartups (the default is 10:30:100): a login that has to confirm a change may be dropped, and then the host undoes the change.',
    );
  const penalties = setting('persourcepenalties');
  return ok(
    [
      `MaxStartups ${setting('maxstartups')}`,
      // harden opens one session after the other
      `MaxSessions ${setting('maxsessions')}`,
      ...(['none', 'no'].includes(penalties)
        ? []
        : ['an address whose logins fail is shut out for a while (PerSourcePenalties)']),
    ].join(', '),
  );
}
