import { raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, fields, type Observed, present } from './probe.ts';

/** One unit as `systemctl show` has it. A unit that systemd cannot find is `absent`. */
export interface UnitState {
  readonly activeState: string;
  /** `enabled`, `disabled`, `static`, `masked`, … ; '' if it has no unit file. */
  readonly unitFileState: string;
  readonly needDaemonReload: boolean;
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
show --timestamp=us -- ${units.map(unitName)} 2>/dev/null || show -- ${units.map(unitName)}`,
  parse(output, units) {
    // one block a unit, in the order asked for: an alias answers under its own Id
    const blocks = output.toString().trim().split('\n\n');
    return new Map(units.map((unit, index) => [unitName(unit), parseUnit(blocks[index] ?? '')]));
  },
});

function parseUnit(block: string): Observed<UnitState> {
  const value = fields(block);
  const get = (name: string) => value.get(name) ?? '';
  if (!value.has('LoadState')) throw new Error('systemctl described fewer units than were asked for');
  if (get('LoadState') === 'not-found') return absent;
  return present({
    activeState: get('ActiveState'),
    unitFileState: get('UnitFileState'),
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
