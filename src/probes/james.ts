import { lines, raw, sh } from '../shell/quote.ts';
import { absent, defineProbe, type Observed, present } from './probe.ts';

/** An installed James. */
export interface James {
  /** From the names of its jars; undefined if there are none or they contradict each other. */
  readonly version: string | undefined;
}

/** The version of James in a home directory, asked by that directory. Absent: the directory is not there. */
export const jamesProbe = defineProbe<string, James>({
  name: 'james',
  key: (home) => home,
  // The Spring edition keeps its jars in lib, the Guice editions in NAME.lib.
  script: (homes) =>
    lines([
      raw(`look() {
  [ -d "$2" ] || return 0
  echo "$1 home"
  for jar in "$2"/lib/james-server-*.jar "$2"/*.lib/james-server-*.jar; do
    [ -e "$jar" ] && printf '%s %s\\n' "$1" "\${jar##*/}"
  done
  return 0
}`),
      ...homes.map((home, index) => sh`look ${index} ${home}`),
    ]),
  parse(output, homes) {
    const rows = output.toString().split('\n');
    return new Map(
      homes.map((home, index): [string, Observed<James>] => {
        const names = rows
          .filter((row) => row.startsWith(`${index} `))
          .map((row) => row.slice(row.indexOf(' ') + 1));
        return [home, names.includes('home') ? present({ version: versionOf(names) }) : absent];
      }),
    );
  },
});

function versionOf(jars: readonly string[]): string | undefined {
  const versions = new Set(
    jars
      .map((jar) => /^james-server-[a-z0-9-]*?-(\d+\.\d+[\w.-]*?)(?:-tests)?\.jar$/.exec(jar)?.[1])
      .filter(Boolean),
  );
  return versions.size === 1 ? [...versions][0] : undefined;
}
