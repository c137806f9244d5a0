import { textOf } from '../shell/frame.ts';
import { held } from '../shell/held.ts';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { RUN_ID, RUNS, records } from '../shell/records.ts';
import { account, CONTENT_LIMIT } from './file.ts';
import { parseWave, rows, WAVE, type Wave } from './history.ts';
import { type Held, isHeld } from './place.ts';
import { absent, defineProbe, type Observed, present } from './probe.ts';

/** Attributes of a file, or of what a run kept of it. */
interface Kept {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly sha256?: string;
  /** Undefined if it is larger than what travels. */
  readonly content?: Buffer;
}

/** A path that a run changed. */
export interface RunFile {
  readonly path: string;
  /** Before the run; `copy` is where the host keeps it. */
  readonly before:
    | { readonly state: 'absent' }
    /** Somebody removed the copy. */
    | { readonly state: 'lost' }
    | ({ readonly state: 'file'; readonly copy: string } & Kept)
    | ({ readonly state: 'attributes' } & Kept)
    /** It removed the folder. */
    | ({ readonly state: 'directory' } & Kept);
  /** The sha256 of what the run left there; undefined if it only changed attributes, or removed it. */
  readonly written?: string;
  readonly now:
    | { readonly state: 'absent' }
    | { readonly state: 'other' }
    | ({
        readonly state: 'file';
        /** Last change of content or attributes: seconds since the epoch. */
        readonly ctime: number;
      } & Kept)
    | ({ readonly state: 'directory'; readonly entries: readonly string[] } & Kept);
}

/** How a unit was before a run first controlled it. */
export interface RunUnit {
  readonly unit: string;
  readonly unitFileState: string;
  readonly activeState: string;
  readonly now: {
    readonly unitFileState: string;
    readonly activeState: string;
    /** Its file is one that systemd can load. */
    readonly loaded: boolean;
    /** Its last start, stop or reload: seconds since the epoch. */
    readonly stateChange: number;
  };
}

/** One run: all that its jobs changed, and what has become of it. */
export interface RunRecord {
  readonly id: string;
  readonly waves: readonly Wave[];
  readonly files: readonly RunFile[];
  /** What keeps even root from changing one of them. */
  readonly held: ReadonlyMap<string, Held>;
  readonly units: readonly RunUnit[];
  readonly packages: readonly {
    readonly name: string;
    readonly change: 'installed' | 'removed';
    /** Now. */
    readonly there: boolean;
  }[];
}

/** A run, and the applies that were laid down after it: the latest first. Rollbacks only put back what others changed. */
export interface RunAndLater extends RunRecord {
  readonly later: readonly RunRecord[];
}

const DETAIL = raw(`${WAVE.text}
${held.text}
# bytes FILE: what travels of it; of later runs nothing is shown
bytes() { if [ "$kind" = run ] && [ "$(stat -c %s "$1")" -le ${CONTENT_LIMIT} ]; then echo "=$(base64 -w0 < "$1")"; else echo -; fi; }
facts() { stat -c '%a,%U/%u,%G/%g' "$1"; }
sum() { sha256sum < "$1" | cut -d' ' -f1; }
tell_held() { [ -z "$2" ] || echo "held $(printf %s "$1" | base64 -w0)= $2"; }
now() {
  if [ -L "$1" ]; then echo 'other - - -'
  elif [ -f "$1" ]; then echo "file $(facts "$1") $(sum "$1") $(bytes "$1") $(stat -c %.9Z "$1")"
  elif [ -d "$1" ]; then echo "directory $(facts "$1") - =$(ls -A "$1" | head -n 100 | base64 -w0)"
  elif [ -e "$1" ]; then echo 'other - - -'
  else echo 'absent - - -'; fi
}
# the runs, the latest first, each with what it was
runs() {
  ls -1t ${RUNS}/*/job.sh 2>/dev/null | grep -v '/current/' | sed 's#/job\\.sh$##' | while read -r folder; do
    what=rollback
    if ! [ -e "$folder/plan.json" ] || grep -q '"command":"apply"' "$folder/plan.json"; then what=apply; fi
    echo "$(basename "$folder" | cut -c1-${RUN_ID}) $what"
  done | awk '!seen[$1]++'
}
# detail RUN: it, and what came later
detail() {
  run=$1
  [ "$run" != last ] || run=$(runs | awk '$2 == "apply" { print $1; exit }')
  [ -n "$run" ] || return 0
  record_folders() { ls -1d ${RUNS}/"$run"*/ 2>/dev/null | sed 's#/$##'; }
  [ -n "$(record_folders)" ] || return 0
  there=$(dpkg-query -W -f '\${Package} \${db:Status-Status}\n' | sed -n 's/ installed$//p')
  kind=run
  one
  kind=later
  # ids are no numbers, also where they look like some
  for run in $(runs | awk -v run="$run" '$1 "" == run "" { exit } $2 == "apply" { print $1 }'); do one; done
}
one() {
  echo "$kind $run"
  record_folders | while read -r folder; do wave "$folder"; done
  found=$(origins all)
  each_held tell_held "$(printf '%s\\n' "$found" | while read -r _ _ _ path; do printf '%s\\n' "$path"; done)"
  [ -z "$found" ] || printf '%s\\n' "$found" | while read -r before state after path; do
    written=- kept='- - -'
    case $state in
      file) if [ -f "$before" ]; then kept="$(facts "$before") $(sum "$before") $(bytes "$before")"; else state=lost; fi ;;
      attributes=* | directory=*) kept="\${state#*=} - -" state=\${state%%=*} ;;
    esac
    [ ! -f "$after" ] || written=$(sum "$after")
    echo "file $(printf %s "$path" | base64 -w0)= $state $before $kept $written $(now "$path")"
  done
  unit_origins all | while read -r unit file active; do
    # gone with its package
    load=$(systemctl show -P LoadState -- "$unit")
    [ "$load" != not-found ] || continue
    changed=$(TZ=UTC systemctl show -P StateChangeTimestamp --timestamp=us -- "$unit")
    echo "unit $unit $file $active $(systemctl show -P UnitFileState -- "$unit" | sed 's/^$/-/') $(systemctl show -P ActiveState -- "$unit") $(date -d "$changed" +%s.%N) $load"
  done
  record_folders | while read -r folder; do cat "$folder/packages" 2>/dev/null; done | while read -r word name; do
    echo "package $word $name $(printf '%s\n' "$there" | grep -qxF -e "$name" && echo there || echo gone)"
  done
}`);

/** What one run changed, asked by its id or as `last`: the latest apply. Absent: the host knows no such run. */
export const runRecordProbe = defineProbe<string, RunAndLater>({
  name: 'run-record',
  key: (id) => id,
  script: (ids): Sh =>
    lines([records(), DETAIL, ...ids.map((id, index) => sh`echo ${`question ${index}`}; ( detail ${id} )`)]),
  parse(output, ids) {
    const found = new Map<string, RunRecord[]>(ids.map((id) => [id, []]));
    let records: RunRecord[] = [];
    for (const [word, ...words] of rows(output)) {
      if (word === 'question') records = found.get(ids[Number(words[0])] ?? '') ?? [];
      else if (word === 'run' || word === 'later') {
        records.push({ id: words[0] ?? '', waves: [], files: [], held: new Map(), units: [], packages: [] });
      } else if (records.length > 0) records.push(withRow(records.pop()!, word, words));
    }
    return new Map(
      [...found].map(([id, [run, ...later]]): [string, Observed<RunAndLater>] => [
        id,
        run ? present({ ...run, later }) : absent,
      ]),
    );
  },
});

function withRow(record: RunRecord, word: string | undefined, words: readonly string[]): RunRecord {
  switch (word) {
    case 'wave':
      return { ...record, waves: [...record.waves, parseWave(words)] };
    case 'file':
      return { ...record, files: [...record.files, parseFile(words)] };
    case 'held': {
      const [path, how = ''] = words;
      return isHeld(how) ? { ...record, held: new Map([...record.held, [textOf(path), how]]) } : record;
    }
    case 'unit':
      return { ...record, units: [...record.units, parseUnit(words)] };
    case 'package': {
      const [change, name = '', now] = words;
      const one = {
        name,
        change: change === 'removed' ? change : 'installed',
        there: now === 'there',
      } as const;
      return { ...record, packages: [...record.packages, one] };
    }
    default:
      return record;
  }
}

function parseFile([
  path,
  state,
  copy = '',
  facts,
  sum,
  body,
  written,
  now,
  ...rest
]: readonly string[]): RunFile {
  const kept = parseKept(facts, sum, body);
  const before: RunFile['before'] =
    state === 'absent' || state === 'lost'
      ? { state }
      : state === 'attributes' || state === 'directory'
        ? { state, ...kept }
        : { state: 'file', copy, ...kept };
  return {
    path: textOf(path),
    before,
    ...(written && written !== '-' ? { written } : {}),
    now: parseNow(now, rest),
  };
}

function parseNow(state: string | undefined, [facts, sum, body, ctime]: readonly string[]): RunFile['now'] {
  if (state === 'file') return { state, ctime: Number(ctime), ...parseKept(facts, sum, body) };
  if (state === 'directory') {
    const { content, ...kept } = parseKept(facts, sum, body);
    return { state, ...kept, entries: (content ?? '').toString().split('\n').filter(Boolean) };
  }
  return state === 'absent' ? { state } : { state: 'other' };
}

function parseKept(facts = '', sum = '-', body = '-'): Kept {
  const [mode = '', owner, group] = facts.split(',');
  return {
    mode: mode.padStart(4, '0'),
    owner: account(owner),
    group: account(group),
    ...(sum === '-' ? {} : { sha256: sum }),
    ...(body.startsWith('=') ? { content: Buffer.from(body.slice(1), 'base64') } : {}),
  };
}

function parseUnit([
  unit = '',
  file,
  active = '',
  nowFile,
  nowActive = '',
  stateChange,
  load,
]: readonly string[]): RunUnit {
  const state = (word = '') => (word === '-' ? '' : word);
  return {
    unit,
    unitFileState: state(file),
    activeState: active,
    now: {
      unitFileState: state(nowFile),
      activeState: nowActive,
      stateChange: Number(stateChange),
      loaded: load === 'loaded',
    },
  };
}
