import { randomBytes } from 'node:crypto';
import type { WavePlan } from '../probes/history.ts';
import { feed, frameFunctions, script } from '../shell/frame.ts';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { JOB_UNIT, RUNS, records, working } from '../shell/records.ts';
import type { Change } from '../tasks/change.ts';
import { awaitBans, confirmScript, rollbackScript } from './guard.ts';
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
const RESERVE = 1024 * 1024;

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

/** Seconds that guarded steps may take beside the time for the confirming login: one that hangs is undone as well. */
const HANGING = 180;

/** Seconds that undoing may take after the job was ended: a unit that has to be started may take 90. */
const UNDOING = 300;

/** A run's id: sorts by the time of this machine. */
export const newRunId = (): string =>
  `${Date.now().toString(16).padStart(12, '0')}${randomBytes(6).toString('hex')}`;

/** The id of a run's wave. */
export const waveId = (run: string, wave: number): string => `${run}${wave.toString(16).padStart(2, '0')}`;

const directory = (id: string): string => `${RUNS}/${id}`;

/**
 * The job that runs on the host, detached from the connection, and writes a journal of frames:
 * `step INDEX start`, `step INDEX STATUS TAIL=`, `guard armed`, `guard waiting SECONDS`, `guard confirmed|rolledback`, `stopped`, then an
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
  return lines([
    run('arm'),
    raw('if [ -e "$RUN/pending" ]; then'),
    raw(`armed=yes
frame guard armed
# a step that hangs, perhaps because of what it did, is undone all the same: by systemd, when nothing of it is left that goes on
limit=$(( $(uptime) + ${seconds + HANGING} ))
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

/** Lays the job down on the host, starts it under systemd and follows it. */
export function startScript(job: Job): string {
  const run = directory(job.id);
  const rollback = rollbackScript(run, job.guarded, job.operator).text;
  return script(
    lines([
      frameFunctions(job.id),
      raw(
        `busy() { frame locked "$(cat ${RUNS}/current/holder 2>/dev/null | head -n 1 | head -c 300 | base64 -w0)="; exit 75; }`,
      ),
      working,
      raw('! working || busy'),
      sh`RUN=${run}`,
      raw(`# refuse SENTENCE: the job could not be laid down; what the last command said follows
refuse() {
  [ -z "$laid" ] || rm -rf -- "$RUN"
  frame refused "$(printf '%s' "$1\${said:+: $said}" | head -c 600 | base64 -w0)="
  exit 73
}
laid=
said=$({ mkdir -p -m 0700 ${RUNS} && mkdir "$RUN"; } 2>&1) || refuse 'nothing can be written to /var/lib/harden (is the disk full or read-only?)'
laid=yes
said=$({ mkdir "$RUN/before" "$RUN/after" && : > "$RUN/files" && : > "$RUN/packages" && : > "$RUN/journal" && head -c ${RESERVE} /dev/zero > "$RUN/reserve"; } 2>&1) ||
  refuse 'its journal cannot be kept in /var/lib/harden (is the disk full?)'`),
      records(),
      layDown('job.sh', jobScript(job)),
      // whatever the clock was when the others were laid down
      raw('newest "$RUN"'),
      layDown('rollback.sh', `${rollback}\n`),
      layDown('plan.json', `${JSON.stringify(job.plan)}\n`),
      layDown('holder', `${job.holder.who}\n${job.holder.mark}\n`),
      raw(`said=$({ sh -n "$RUN/job.sh" && sh -n "$RUN/rollback.sh" && sync "$RUN/job.sh" "$RUN/rollback.sh" "$RUN"; } 2>&1) ||
  refuse 'the job was not written to /var/lib/harden as it was sent'
said=$(systemd-run --quiet --collect --unit=${JOB_UNIT} --property=Type=exec \\
  --property=ExecStopPost="/bin/sh $RUN/rollback.sh job" --property=TimeoutStopSec=${UNDOING} /bin/sh "$RUN/job.sh" $HARDEN_CONNECTION 2>&1) || {
  working || refuse 'systemd did not start the job'
  # it may have started the job all the same, and only not have said so in time
  case $(systemctl show -P ExecStart ${JOB_UNIT}) in *"$RUN/"*) ;; *) rm -rf -- "$RUN"; busy ;; esac
}
ln -sfnT "$RUN" ${RUNS}/current`),
      follow,
    ]),
    { listens: true },
  );
}

/** Writes a file of the run; a disk that fills up leaves a shorter one, which may be a script all the same. */
function layDown(name: string, text: string): Sh {
  const content = Buffer.from(text);
  return lines([
    feed(raw(`cat > "$RUN/${name}"`), content),
    raw(
      `[ "$(wc -c < "$RUN/${name}")" -eq ${content.length} ] || refuse 'the job was not written to /var/lib/harden in full (is the disk full?)'`,
    ),
  ]);
}

/**
 * Follows a run that is under way or over: its journal from the start, what became of the guard. A script that was to lay it down
 * may still be at that. Where none has begun to, none ever will: its directory is made first, and `absent` is said.
 */
export function followScript(id: string): string {
  return script(
    lines([
      frameFunctions(id),
      working,
      sh`RUN=${directory(id)}`,
      raw(`# begun TENTHS: waits that long at most
begun() { i=0; until [ -s "$RUN/journal" ] || [ $i -ge "$1" ]; do sleep 0.1; i=$((i + 1)); done; [ -s "$RUN/journal" ]; }
begun 20 || {
  mkdir -p -m 0700 ${RUNS} 2>/dev/null
  if mkdir "$RUN" 2>/dev/null || ! [ -d "$RUN" ]; then frame absent; exit; fi
  # once its folder is renamed it can neither be laid down nor begin
  begun 200 || working || { mv -T "$RUN" "$RUN.never"; rm -rf -- "$RUN.never"; frame absent; exit; }
}`),
      follow,
    ]),
    { listens: true },
  );
}

/** Finishes undoing a run whose undoing was cut off in its middle, under the name that is the lock; then as `followScript`. */
export function undoScript(id: string): string {
  return script(
    lines([
      frameFunctions(id),
      working,
      sh`RUN=${directory(id)}`,
      raw(
        `working || systemd-run --quiet --collect --wait --unit=${JOB_UNIT} /bin/sh "$RUN/rollback.sh" job >/dev/null 2>&1`,
      ),
      follow,
    ]),
    { listens: true },
  );
}

/**
 * Whoever follows can ask the job to end: it finishes the step it is at and undoes what is not confirmed. The word comes in over
 * the channel that is held, since a new login, or a new sudo, may be what the job has just made impossible.
 */
const follow = raw(`{ IFS= read -r word && [ "$word" = stop ] && : > "$RUN/stop"; } <&7 >/dev/null 2>&1 &
listener=$!
exec 7<&-
pid=$(systemctl show -P MainPID ${JOB_UNIT})
if [ "$(readlink ${RUNS}/current)" = "$RUN" ] && [ "$pid" != 0 ]; then tail -n +1 -s 0.1 --pid="$pid" -f "$RUN/journal"
else cat "$RUN/journal"; fi
# the job is over, yet systemd may still be undoing what nobody confirmed; and as long as it is, the host stays locked
i=0
while [ $i -lt ${UNDOING * 10} ] && [ "$(readlink ${RUNS}/current)" = "$RUN" ] && working; do sleep 0.1; i=$((i + 1)); done
for state in pending confirmed rolledback; do if [ -e "$RUN/$state" ]; then frame guard "$state"; fi; done
[ ! -s "$RUN/banned" ] || frame banned "$(head -c 1000 "$RUN/banned" | base64 -w0)="
if [ -e "$RUN/rolledback" ] && ! [ -e "$RUN/undone" ]; then echo 'perhaps more, since undoing was cut off (harden apply finishes it)'; fi |
  cat -s "$RUN/trouble" - 2>/dev/null | head -c 2000 | base64 -w0 | { IFS= read -r words; [ -z "$words" ] || frame trouble "$words="; }
# or the channel would stay open
kill "$listener" 2>/dev/null || :`);

/** A whole script that confirms a run; it is sent over a new connection. */
export function confirmation(id: string): string {
  return script(lines([frameFunctions(id), confirmScript(directory(id))]));
}
