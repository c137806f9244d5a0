import { lines, raw, type Sh, sh } from '../../shell/quote.ts';
import type { ControlUnit } from '../../tasks/change.ts';

/** A start that systemd reports as done may still die a moment later, so the unit is looked at again. */
export function controlUnit({ unit, action, restores, lenient = false }: ControlUnit): Sh {
  const starts = action === 'start' || action === 'restart' || action === 'reload-or-restart';
  const call = lines([
    ...(starts && /^sshd?\.service$/.test(unit) ? [tryConfiguration(unit)] : []),
    raw('systemctl daemon-reload'),
    action === 'mask' ? maskUnlessMasked(unit) : sh`systemctl ${action} -- ${unit}`,
  ]);
  // once it is as it was before harden, a later run has to note anew what it finds
  if (restores) return lines([call, sh`echo ${`${unit} forgotten`} >> "$RUN/units"`]);
  const noted = lines([sh`note_unit ${unit}`, call]);
  if (!starts) return noted;
  const started = sh`${noted}
${raw('i=0; while [ $i -lt 10 ]; do')} systemctl is-active --quiet ${unit} || is_down ${unit}; sleep 0.1; i=$((i + 1)); done`;
  return lenient ? ifItCan(unit, started) : started;
}

/** An empty file is a mask to systemd as well, which refuses to put a second one there. */
const maskUnlessMasked = (unit: string): Sh =>
  sh`[ "$(systemctl is-enabled -- ${unit} 2>/dev/null)" = masked ] || systemctl mask -- ${unit}`;

/** One whose file systemd cannot load stays as it is: it was started before that file stood there. */
const ifItCan = (unit: string, started: Sh): Sh => sh`systemctl daemon-reload
if [ "$(systemctl show -P LoadState -- ${unit})" = loaded ]; then
said=$( { ${started}
} 2>&1 ) || printf '%s\n' ${`${unit}, which does not start with the files that stood there before`}" ($(printf '%s' "$said" | tail -n 3 | paste -sd ' ' -))" >> "$RUN/trouble"
fi`;

/** systemd stops a running sshd before it finds that it cannot be started again, and there may be no other way in. */
const tryConfiguration = (
  ...units: readonly string[]
): Sh => sh`! systemctl -q is-active -- ${units} || said=$(sshd -t 2>&1) ||
  fail "sshd refuses its configuration: $(echo "$said" | head -n 3 | tr -d '\r' | paste -sd ' ' -)"`;

/** A running sshd goes on with what it read before, whatever stands in its files, until the next boot finds that it does not start. */
export const trySshd: Sh = tryConfiguration('ssh.service', 'sshd.service');
