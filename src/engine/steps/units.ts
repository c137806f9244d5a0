import { lines, raw, type Sh, sh } from '../../shell/quote.ts';
import type { ControlUnit } from '../../tasks/change.ts';

/** A start that systemd reports as done may still die a moment later, so the unit is looked at again. */
export function controlUnit({ unit, action, restores }: ControlUnit): Sh {
  const starts = action === 'start' || action === 'restart' || action === 'reload-or-restart';
  const call = lines([
    ...(starts && /^sshd?\.service$/.test(unit) ? [tryConfiguration(unit)] : []),
    sh`systemctl daemon-reload
systemctl ${action} -- ${unit}`,
  ]);
  // once it is as it was before harden, a later run has to note anew what it finds
  if (restores) return lines([call, sh`echo ${`${unit} forgotten`} >> "$RUN/units"`]);
  const noted = lines([sh`note_unit ${unit}`, call]);
  if (!starts) return noted;
  return sh`${noted}
${raw('i=0; while [ $i -lt 10 ]; do')} systemctl is-active --quiet ${unit} || { journalctl -q -n 5 -o cat -u ${unit} >&2; fail ${`${unit} did not stay up`}; }; sleep 0.1; i=$((i + 1)); done`;
}

/** systemd stops a running sshd before it finds that it cannot be started again, and there may be no other way in. */
const tryConfiguration = (
  unit: string,
): Sh => sh`! systemctl -q is-active -- ${unit} || said=$(sshd -t 2>&1) ||
  fail "sshd refuses its configuration: $(echo "$said" | head -n 3 | paste -sd ' ' -)"`;
