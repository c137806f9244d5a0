import { raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, fields, type Observed, present } from './probe.ts';

/** One unit as `systemctl show` has it. A unit that systemd cannot find is `absent`. */
export interface UnitState {
  readonly activeState: string;
  /** `enabled`, `disabled`, `static`, `masked`, … ; '' if it has no unit file. */
  readonly unitFileState: string;
  /** Masked, and nothing that systemd could load would be there without the mask. */
  readonly hollow?: true;
  readonly needDaemonReload: boolean;
  /** A service whose start is over when its work is done: it never stays active. */
  readonly ends?: true;
  /** When it was last to start, a condition of its own was not met. */
  readonly skipped?: true;
  /** Its last start, stop or finished reload: seconds since the epoch, with fraction, by the host's clock of then. */
  readonly stateChange: number;
  /** Files beside its own that change it. */
  readonly dropIns: readonly string[];
  /** Units that start it. */
  readonly wantedBy: readonly string[];
}

const PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'NeedDaemonReload',
  'StateChangeTimestamp',
  'DropInPaths',
  'WantedBy',
  'Type',
  'RemainAfterExit',
  'ConditionResult',
  'ConditionTimestamp',
];

/** `fail2ban` means `fail2ban.service`. */
export const unitName = (name: string): string => (/\.[a-z]+$/.test(name) ? name : `${name}.service`);

/** By a link or an empty file, for good or until the next boot. */
export const isMasked = (unitFileState: string): boolean => unitFileState.startsWith('masked');

/** All units in one `systemctl show`. */
export const unitProbe = defineProbe<string, UnitState>({
  name: 'unit',
  key: unitName,
  script: (units) =>
    sh`show() { TZ=UTC systemctl show --property=${raw(PROPERTIES.join(','))} "$@"; }
show --timestamp=us -- ${units.map(unitName)} 2>/dev/null || show -- ${units.map(unitName)}
echo
printf Behind=
for unit in ${units.map(unitName)}; do${raw(`
  for name in "$unit" "\${unit%%@*}@.\${unit##*.}"; do
    for folder in /etc /run /usr/local/lib /usr/lib /lib; do
      # an empty file, or a link to /dev/null, is a mask
      if [ -s "$folder/systemd/system/$name" ]; then printf '%s ' "$unit"; continue 3; fi
    done
  done
  ! [ -s "/etc/init.d/\${unit%.service}" ] || printf '%s ' "$unit"
done`)}`,
  parse(output, units) {
    // one block a unit, in the order asked for: an alias answers under its own Id
    const [shown = '', behind] = output.toString().split(/^Behind=/m);
    const blocks = shown.trim().split('\n\n');
    const hollow = (unit: string) => behind !== undefined && !behind.split(/\s/).includes(unitName(unit));
    return new Map(
      units.map((unit, index) => [unitName(unit), parseUnit(blocks[index] ?? '', hollow(unit))]),
    );
  },
});

function parseUnit(block: string, hollow: boolean): Observed<UnitState> {
  const value = fields(block);
  const get = (name: string) => value.get(name) ?? '';
  if (!value.has('LoadState')) throw new Error('systemctl described fewer units than were asked for');
  if (get('LoadState') === 'not-found') return absent;
  return present({
    activeState: get('ActiveState'),
    unitFileState: get('UnitFileState'),
    ...(hollow && isMasked(get('UnitFileState')) ? { hollow: true } : {}),
    ...(get('Type') === 'oneshot' && get('RemainAfterExit') === 'no' ? { ends: true } : {}),
    ...(get('ConditionResult') === 'no' && seconds(get('ConditionTimestamp')) > 0 ? { skipped: true } : {}),
    needDaemonReload: get('NeedDaemonReload') === 'yes',
    stateChange: seconds(get('StateChangeTimestamp')),
    dropIns: get('DropInPaths').split(' ').filter(Boolean),
    wantedBy: get('WantedBy').split(' ').filter(Boolean),
  });
}

/** Of `Tue 2026-11-24 04:00:00.123456 UTC`; 0 if it says nothing. Before systemd 247 whole seconds: then their end. */
function seconds(timestamp: string): number {
  const [, date, time, fraction = '.999999'] =
    /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)? UTC/.exec(timestamp) ?? [];
  return date ? Date.parse(`${date}T${time}Z`) / 1000 + Number(fraction) : 0;
}
