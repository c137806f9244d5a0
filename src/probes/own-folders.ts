import { ownFolders } from '../shell/own-folders.ts';
import { lines, raw } from '../shell/quote.ts';
import { RUNS, STATE } from '../shell/records.ts';
import { printable } from '../text/harmless.ts';
import { absent, defineProbe, fields, type Observed, present } from './probe.ts';

/** Whether the folders that root runs scripts from are root's alone. */
export interface OwnFolders {
  /** Why what lies there may be somebody else's. */
  readonly wrong?: string;
  /** Root's own that others may write to: the next run closes them. */
  readonly open: readonly string[];
}

/** Absent: harden never ran there, and could. */
export const ownFoldersProbe = defineProbe<'own-folders', OwnFolders>({
  name: 'own-folders',
  key: () => 'own-folders',
  script: () =>
    lines([
      ownFolders,
      raw(`wrong=$(not_ours | tr '\\n' ' ')
[ -n "$wrong" ] || [ -e ${STATE} ] || [ -L ${STATE} ] || exit 0
echo "wrong=$wrong"
printf open=; for folder in ${STATE} ${RUNS}; do ! open_folder "$folder" || printf '%s ' "$folder"; done`),
    ]),
  parse(output) {
    const value = fields(output);
    const wrong = value.get('wrong')?.trim();
    const open = value.get('open');
    const seen: Observed<OwnFolders> =
      open === undefined
        ? absent
        : present({
            ...(wrong ? { wrong: printable(wrong, 900) } : {}),
            open: open.split(' ').filter(Boolean),
          });
    return new Map([['own-folders', seen]]);
  },
});
