import { randomBytes } from 'node:crypto';
import type { WavePlan } from '../probes/history.ts';
import { frameFunctions, script } from '../shell/frame.ts';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { JOB_UNIT, RUNS } from '../shell/records.ts';
import type { Change } from '../tasks/change.ts';
import { awaitBans } from './guard.ts';
import type { Holder } from './holder.ts';
import type { Inquiry } from './observe.ts';
import { retire, retireOld } from './retire.ts';
import { stepLibrary } from './steps/library.ts';
import { forgetOperator } from './steps/load-rules.ts';
import type { Phase, Step } from './steps/step.ts';

/**
 * Bytes that a job sets aside before it changes anything, and gives back before its second look: a disk that it, or
 * somebody else, fills meanwhile does not keep it from saying what became of it.
 */
export const RESERVE = 1024 * 1024;

export interface Job {
  /** The run that it is a wave of. */
  readonly run: string;
  /** The run's id and a number: sorts by time; also the frames' nonce: `[0-9a-f]+`. */
  readonly id: string;
  readonly steps: readonly Step[];
  /** The guarded changes, for undoing them. */
  readonly guarded: readonly Change[];
  /** The operator's address as the host sees it; '' if unknown. */
  readonly operator: string;
  /** Seconds that the host waits for the confirming login. */
  readonly confirmTimeout: number;
  /** Observed when the steps are done: the proof. */
  readonly inquiry: Inquiry;
  /** Who runs it from where. */
  readonly holder: Holder;
  /** What is planned, for the host's history. */
  readonly plan: WavePlan;
}

/** Seconds that guarded steps may take beside the time for the confirming login: one that hangs is undone as well. A unit may need 90 to stop, and as many to start. */
const HANGING = 180;

/** Seconds that undoing may take after the job was ended: a unit that has to be started may take 90. */
export const UNDOING = 300;

/** A run's id: sorts by the time of this machine. */
export const newRunId = (): string =>
  `${Date.now().toString(16).padStart(12, '0')}${randomBytes(6).toString('hex')}`;

/** The id of a run's wave. */
export const waveId = (run: string, wave: number): string => `${run}${wave.toString(16).padStart(2, '0')}`;

/** Where a wave's run lies on the host. */
export const directory = (id: string): string => `${RUNS}/${id}`;

/**
 * The job that runs on the host, detached from the connection, and writes a journal of frames:
 * `step INDEX start`, `step INDEX STATUS TAIL=`, `limit SECONDS`, `guard armed`, `guard waiting SECONDS`, `guard confirmed|rolledback`, `stopped`, then an
 * observation. Whoever starts or follows it adds `locked WHO=`, `refused WHY=`, `absent` and, at the end, what became of the guard:
 * `guard pending|confirmed|rolledback`, `banned JAILS=`, `trouble WHAT=`. A file `stop` in its directory asks it to end, `ended` says that it did.
 */
export function jobScript(job: Job): string {
  const indexed = job.steps.map((step, index) => ({ step, index }));
  const functions = indexed.map(({ step, index }) => raw(`step_${index}() {\n${step.code.text}\n}`));
  const run = (phase: Phase) =>
    lines(indexed.filter(({ step }) => step.phase === phase).map(({ index }) => raw(`step ${index}`)));
  return script(
    lines([
      sh`RUN=${directory(job.id)}`,
      raw(`ln -sfnT "$RUN" ${RUNS}/current
exec >> "$RUN/journal" 2>&1`),
      frameFunctions(job.id),
      stepLibrary,
      raw(`broken= finish= armed=
# in memory, where a full disk leaves room for words
WORDS=$(mktemp -d /run/harden.XXXXXX) || WORDS=$RUN
stopped() { [ -e "$RUN/stop" ]; }
# step INDEX: in a subshell of its own; the first failure ends the changes, not the job
step() {
  [ -z "$broken" ] || return
  [ -n "$finish" ] || ! stopped || return
  # undone by somebody else meanwhile
  [ -z "$armed" ] || [ -n "$finish" ] || [ -e "$RUN/pending" ] || return
  frame step "$1" start
  sync "$RUN/journal"
  ( set -e; "step_$1" ) > "$WORDS/output" 2>&1
  status=$?
  # what is said of a full disk needs room itself
  [ "$status" = 0 ] || rm -f "$RUN/reserve"
  frame step "$1" "$status" "$(tail -c 3000 "$WORDS/output" | base64 -w0)="
  sync "$RUN/journal"
  [ "$status" = 0 ] || broken=yes
}
uptime() { cut -d. -f1 /proc/uptime; }`),
      ...functions,
      run('plain'),
      ...(job.guarded.length > 0 ? [guardedPart(job, run)] : []),
      raw('rm -f "$RUN/reserve"'),
      raw('[ "$WORDS" = "$RUN" ] || rm -rf "$WORDS"'),
      raw('! stopped || frame stopped'),
      job.inquiry.script(),
      raw('sync "$RUN/journal"; : > "$RUN/ended"; sync "$RUN"'),
      // not sooner: a rollback needs the run that it puts back
      retire(),
      retireOld(job.run),
    ]),
  );
}

function guardedPart(job: Job, run: (phase: Phase) => Sh): Sh {
  const lists = [
    ...new Set(job.guarded.flatMap((change) => (change.kind === 'load-rules' ? change.lists : []))),
  ];
  const seconds = Math.ceil(job.confirmTimeout);
  const limit = seconds + HANGING;
  return lines([
    // what comes next may cut the line at once
    sh`frame limit ${limit}`,
    run('arm'),
    raw('if [ -e "$RUN/pending" ]; then'),
    raw(`armed=yes
frame guard armed
# a step that hangs, perhaps because of what it did, is undone all the same: by systemd, when nothing of it is left that goes on
limit=$(( $(uptime) + ${limit} ))
{
  while [ -e "$RUN/pending" ] && [ "$(uptime)" -lt "$limit" ]; do sleep 1; done
  [ ! -e "$RUN/pending" ] || systemctl kill --signal=KILL ${JOB_UNIT}
} &`),
    run('guarded'),
    raw(`if [ -n "$broken" ] || stopped; then sh "$RUN/rollback.sh" job; frame guard rolledback
else`),
    // it puts its own files back if it fails: the rest may still be confirmed
    run('settle'),
    raw('broken='),
    awaitBans(job.guarded),
    // earlier connections of this run must not count against the one that confirms
    forgetOperator(lists, job.operator),
    sh`frame guard waiting ${seconds}; sync "$RUN/journal"`,
    raw(`deadline=$(( $(uptime) + ${seconds} ))
while [ -e "$RUN/pending" ]; do
  if stopped || [ "$(uptime)" -ge "$deadline" ]; then sh "$RUN/rollback.sh" job; break; fi
  sleep 0.1
done
if [ -e "$RUN/confirmed" ]; then
frame guard confirmed
finish=yes`),
    run('confirmed'),
    raw(`else frame guard rolledback; fi
fi
fi`),
  ]);
}
