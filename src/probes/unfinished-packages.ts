import { interrupted } from '../shell/dpkg.ts';
import { lines, raw } from '../shell/quote.ts';
import { defineProbe, present } from './probe.ts';

export interface UnfinishedPackages {
  /** Neither installed nor gone, with dpkg's word: `half-configured`, `unpacked`, `triggers-pending`, … */
  readonly packages: readonly { readonly name: string; readonly status: string }[];
  /** Of these, the ones that dpkg wants to be installed again before anything else. */
  readonly broken: readonly string[];
  /** dpkg was interrupted while it wrote its records. */
  readonly interrupted: boolean;
}

/** What an interrupted dpkg left behind. */
export const unfinishedPackagesProbe = defineProbe<'unfinished-packages', UnfinishedPackages>({
  name: 'unfinished-packages',
  key: () => 'unfinished-packages',
  script: () =>
    lines([
      interrupted,
      raw(`all=$(dpkg-query -W -f '\${db:Status-Eflag} \${db:Status-Status} \${binary:Package}\\n') || exit
printf '%s\\n' "$all" | awk '$1 != "ok" || ($2 != "installed" && $2 != "config-files" && $2 != "not-installed")'
if interrupted; then echo interrupted; fi`),
    ]),
  parse(output) {
    const rows = output
      .toString()
      .split('\n')
      .map((line) => line.split(' '));
    const found = rows.flatMap(([flag, status, name]) => (name && status ? [{ flag, status, name }] : []));
    return new Map([
      [
        'unfinished-packages',
        present({
          packages: found.map(({ name, status }) => ({ name, status })),
          broken: found.filter(({ flag }) => flag !== 'ok').map(({ name }) => name),
          interrupted: rows.some(([word]) => word === 'interrupted'),
        }),
      ],
    ]);
  },
});
