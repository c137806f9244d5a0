import { textOf } from '../shell/frame.ts';
import { lines, raw } from '../shell/quote.ts';
import { RUNS } from '../shell/records.ts';
import { absent, defineProbe, present } from './probe.ts';

/** One job of a run, as the host remembers it. */
export interface Wave {
  readonly id: string;
  /** When it was laid down, by the host's clock: seconds since the epoch. */
  readonly at: number;
  /** `ann@laptop, since 2026-…`. */
  readonly who: string;
  /** It came to its end. */
  readonly ended: boolean;
  readonly guard: 'confirmed' | 'rolledback' | 'pending' | 'none';
  /** Changes to files, units and packages that it made. */
  readonly changes: number;
  /** How many of them the host undid. */
  readonly undone: number;
  /** The operator ended it. */
  readonly stopped: boolean;
  /** The indexes of the steps that were begun. */
  readonly begun: readonly number[];
  /** The indexes of those that came to their end. */
  readonly done: readonly number[];
  /** The indexes of those that failed. */
  readonly failed: readonly number[];
  readonly plan: WavePlan;
}

/** What was laid down with a job; of a version that kept none, nothing. */
export interface WavePlan {
  readonly command?: string;
  readonly tasks?: readonly {
    readonly id: string;
    readonly reason: string;
    readonly changes: readonly string[];
    /** The indexes of its steps; undefined if the version that laid it down did not note them. */
    readonly steps?: readonly number[];
    /** The host undoes it if nobody confirms it. */
    readonly guarded?: boolean;
    /** It takes away (`state: absent`). */
    readonly removes?: boolean;
  }[];
  readonly rules?: readonly RulesBefore[];
  readonly commands?: readonly string[];
  /** Paths whose content must not be shown. */
  readonly sensitive?: readonly string[];
}

/** Our chain before the job, as the kernel printed it; no rules where there was no chain. */
export interface RulesBefore {
  readonly family: 'ipv4' | 'ipv6';
  readonly chain: string;
  readonly rules: readonly string[];
}

/** A shell function that prints one job. */
export const WAVE = raw(`wave() {
  folder=$1
  guard=none
  for state in pending confirmed rolledback; do [ ! -e "$folder/$state" ] || guard=$state; done
  # that a file is as before harden again is noted beside its change
  changes=$({ grep -vE '^[^ ]+ forgotten ' "$folder/files"; cat "$folder/units" "$folder/packages"; } 2>/dev/null | wc -l)
  # what undid the guarded changes had noted their units, from its second line on
  undone=$({ grep -E '^[^ ]+ undone ' "$folder/files"
    [ ! -e "$folder/undone" ] || awk 'NR == FNR { if (FNR > 1) back[$1]; next } $1 in back' "$folder/rolledback" "$folder/units"; } 2>/dev/null | wc -l)
  id=\${folder##*/} ended=no
  # the journal of a version that did not mark the end ends with its second look
  if [ -e "$folder/ended" ] || tail -c 200 "$folder/journal" 2>/dev/null | grep -aqxF "@@$id observed"; then ended=yes; fi
  stopped=no
  if grep -aqxF "@@$id stopped" "$folder/journal" 2>/dev/null; then stopped=yes; fi
  begun=$(sed -n "s/^@@$id step \\([0-9]*\\) start.*/\\1/p" "$folder/journal" 2>/dev/null | tr '\\n' ,)
  finished=$(sed -n "s/^@@$id step \\([0-9]*\\) 0 .*/\\1/p" "$folder/journal" 2>/dev/null | tr '\\n' ,)
  failed=$(sed -n "s/^@@$id step \\([0-9]*\\) [1-9][0-9]* .*/\\1/p" "$folder/journal" 2>/dev/null | tr '\\n' ,)
  echo "wave $id $(stat -c %Y "$folder/job.sh") $ended $guard $changes $undone $stopped \${begun:--} \${finished:--} \${failed:--} $(head -n 1 "$folder/holder" 2>/dev/null | base64 -w0)= $(head -c 262144 "$folder/plan.json" 2>/dev/null | base64 -w0)="
}`);

/** What `WAVE` prints of a job, after its first word. */
export function parseWave([
  id = '',
  at,
  ended,
  guard,
  changes,
  undone,
  stopped,
  begun,
  done,
  failed,
  who,
  plan,
]: readonly string[]): Wave {
  if (!/^[0-9a-f]+$/.test(id) || !/^\d{1,12}$/.test(at ?? ''))
    throw new Error(`the run ${id} is not one of harden's`);
  return {
    id,
    at: Number(at),
    who: textOf(who).trim(),
    ended: ended === 'yes',
    guard: guard as Wave['guard'],
    changes: Number(changes),
    undone: Number(undone),
    stopped: stopped === 'yes',
    begun: indexes(begun),
    done: indexes(done),
    failed: indexes(failed),
    plan: parsePlan(textOf(plan)),
  };
}

/** One that was cut off, or that something else wrote, is none. */
function parsePlan(json: string): WavePlan {
  try {
    const plan: unknown = JSON.parse(json);
    return isPlan(plan) ? plan : {};
  } catch {
    return {};
  }
}

const indexes = (words = ''): number[] => words.split(',').filter(isIndex).map(Number);
const isIndex = (word: string): boolean => /^\d{1,6}$/.test(word);
const isFlag = (value: unknown): boolean => value === undefined || typeof value === 'boolean';
const isText = (value: unknown): boolean => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isListOf = (value: unknown, is: (item: unknown) => boolean): boolean =>
  value === undefined || (Array.isArray(value) && value.every(is));

function isPlan(value: unknown): value is WavePlan {
  if (!isRecord(value)) return false;
  const { command, tasks, rules, commands, sensitive } = value;
  return (
    (command === undefined || isText(command)) &&
    isListOf(commands, isText) &&
    isListOf(sensitive, isText) &&
    isListOf(
      tasks,
      (task) =>
        isRecord(task) &&
        isText(task.id) &&
        isText(task.reason) &&
        isListOf(task.changes, isText) &&
        isListOf(task.steps, Number.isInteger) &&
        isFlag(task.guarded) &&
        isFlag(task.removes),
    ) &&
    isListOf(
      rules,
      (one) =>
        isRecord(one) &&
        /^ipv[46]$/.test(String(one.family)) &&
        isText(one.chain) &&
        isListOf(one.rules, isText),
    )
  );
}

/** All jobs that the host remembers, the oldest first. Absent: harden never ran there. */
export const historyProbe = defineProbe<'all', readonly Wave[]>({
  name: 'history',
  key: () => 'all',
  script: () =>
    lines([
      WAVE,
      raw(
        `ls -1tr ${RUNS}/*/job.sh 2>/dev/null | grep -v '/current/' | while read -r job; do wave "\${job%/job.sh}"; done`,
      ),
    ]),
  parse(output) {
    const waves = rows(output).flatMap(([word, ...words]) => (word === 'wave' ? [parseWave(words)] : []));
    return new Map([['all', waves.length > 0 ? present(waves) : absent]]);
  },
});

/** The words of each line that a probe of the history prints. */
export const rows = (output: Buffer): string[][] =>
  output
    .toString('latin1')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '));
