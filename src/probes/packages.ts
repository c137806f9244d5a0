import { raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present } from './probe.ts';

export interface PackageState {
  readonly version: string;
  /** dpkg's third word: `installed`, `unpacked`, `half-configured`, `half-installed`, `config-files`, … */
  readonly status: string;
}

/** All packages in one `dpkg-query`. Not known to dpkg, or only its configuration left: `absent`. */
export const packageProbe = defineProbe<string, PackageState>({
  name: 'package',
  key: (name) => name,
  // dpkg-query exits 1 when one of the packages is unknown, which is an answer here
  script: (names) =>
    sh`${raw("dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\\n' --")} ${names} || [ $? = 1 ]`,
  parse(output, names) {
    const found = new Map<string, Observed<PackageState>>(names.map((name) => [name, absent]));
    for (const line of output.toString().split('\n')) {
      const [name, status, version] = line.split(' ');
      if (!name || !status || status === 'not-installed' || status === 'config-files') continue;
      found.set(name, present({ status, version: version ?? '' }));
    }
    return found;
  },
});
