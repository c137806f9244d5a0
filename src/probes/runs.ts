import { raw } from '../shell/quote.ts';
import { RUNS } from '../shell/records.ts';
import { defineProbe, present } from './probe.ts';

/** A run as its directory tells of it. */
export interface RunRecord {
  readonly id: string;
  /** Who ran it from where, since when; '' if it does not say. */
  readonly holder: string;
  /** Its job came to its end. */
  readonly ended: boolean;
  /** A guarded change of it was neither confirmed nor undone. */
  readonly pending: boolean;
}

/** The runs that the host remembers, in the order in which they were laid down. */
export const runsProbe = defineProbe<'runs', readonly RunRecord[]>({
  name: 'runs',
  key: () => 'runs',
  script: () =>
    // a journal that ends with its second look is that of a run from before the marker
    raw(`ls -1tr ${RUNS}/*/job.sh 2>/dev/null | sed 's#/job\\.sh$##' | grep -v '/current$' | while read -r run; do
  id=\${run##*/} ended=no pending=no
  if [ -e "$run/ended" ] || tail -c 200 "$run/journal" 2>/dev/null | grep -aqxF "@@$id observed"; then ended=yes; fi
  [ ! -e "$run/pending" ] || pending=yes
  echo "$id $ended $pending $(head -c 300 "$run/holder" 2>/dev/null | base64 -w0)="
done
:`),
  parse(output) {
    const runs = output
      .toString()
      .split('\n')
      .flatMap((line): RunRecord[] => {
        const [id, ended, pending, holder] = line.split(' ');
        if (!id || holder === undefined) return [];
        return [
          {
            id,
            holder: Buffer.from(holder.slice(0, -1), 'base64').toString().trim(),
            ended: ended === 'yes',
            pending: pending === 'yes',
          },
        ];
      });
    return new Map([['runs', present(runs)]]);
  },
});
