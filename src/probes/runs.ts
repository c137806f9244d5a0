import { lines, raw } from '../shell/quote.ts';
import { RUNS, working } from '../shell/records.ts';
import { absent, defineProbe, fields, type Observed, present } from './probe.ts';

/** The latest run of harden on a host. */
export interface LatestRun {
  readonly id: string;
  /** It is still at work, or being undone. */
  readonly working: boolean;
  /** It came to its end; false where the host was restarted meanwhile or the job was killed. */
  readonly ended: boolean;
  /** It did not, and was found to owe nothing any more since. */
  readonly settled: boolean;
  /** It undid what nobody had confirmed. */
  readonly rolledBack: boolean;
  /** It was cut off, and then its undoing as well. */
  readonly owesUndoing: boolean;
  /** Who began it, and when. */
  readonly who: string;
  /** The program that began it, as its machine knows it. */
  readonly mark: string;
}

/** Absent: harden never ran there, or only a version that did not note how its runs end. */
export const latestRunProbe = defineProbe<'latest', LatestRun>({
  name: 'latest-run',
  key: () => 'latest',
  script: () =>
    lines([
      working,
      raw(`run=$(readlink ${RUNS}/current) || exit 0
# runs of 0.1.0 do not say how they end
[ -e "$run/plan.json" ] || working || exit 0
has() { if [ -e "$run/$1" ]; then echo yes; else echo no; fi; }
echo "id=\${run##*/}"
echo "working=$(if working; then echo yes; else echo no; fi)"
echo "ended=$(has ended)"
echo "settled=$(has settled)"
echo "rolledback=$(has rolledback)"
echo "undone=$(has undone)"
echo "pending=$(has pending)"
sed -n '1s/^/who=/p; 2s/^/mark=/p' "$run/holder"`),
    ]),
  parse(output) {
    const value = fields(output);
    const id = value.get('id');
    const is = (name: string) => value.get(name) === 'yes';
    const run: Observed<LatestRun> = id
      ? present({
          id,
          working: is('working'),
          ended: is('ended'),
          settled: is('settled'),
          rolledBack: is('rolledback'),
          owesUndoing: !is('working') && (is('pending') || (is('rolledback') && !is('undone'))),
          who: value.get('who') ?? '',
          mark: value.get('mark') ?? '',
        })
      : absent;
    return new Map([['latest', run]]);
  },
});
