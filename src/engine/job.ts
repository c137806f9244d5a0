import { feed, frameFunctions, script } from '../shell/frame.ts';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { RUNS } from '../shell/records.ts';
import type { Change } from '../tasks/change.ts';
import { confirmScript, rollbackScript } from './guard.ts';
import type { Inquiry } from './observe.ts';
import { retire } from './retire.ts';
import { stepLibrary } from './steps/library.ts';
import { forgetOperator } from './steps/load-rules.ts';
import type { Phase, Step } from './steps/step.ts';

/** The one name of the job's transient unit is the host's lock: systemd has only one of a name. */
export const JOB_UNIT = 'harden-run.service';

/**
 * Bytes that a job sets aside before it changes anything, and gives back before its second look: a disk that it, or
 * somebody else, fills meanwhile does not keep it from saying what became of it.
 */
const RESERVE = 1024 * 1024;

/** How many runs a host remembers. */
const KEPT_RUNS = 10;

export interface Job {
  /** Sorts by time; also the frames' nonce: `[0-9a-f]+`. */
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
  /** Who runs it from where, for whoever finds the lock held. One line. */
  readonly holder: string;
}

const directory = (id: string): string => `${RUNS}/${id}`;

/**
 * The job that runs on the host, detached from the connection, and writes a journal of frames:
 * `step INDEX start`, `step INDEX STATUS TAIL=`, `guard waiting SECONDS`, `guard confirmed|rolledback`, then an observation. Whoever starts or follows it adds `locked WHO=`,
 * `refused WHY=` and, at the end, what became of the guard: `guard pending|confirmed|rolledback`.
 */
export function jobScript(job: Job): string {
  const indexed = job.steps.map((step, index) => ({ step, index }));
  const functions = indexed.map(({ step, index }) => raw(`step_${index}() {\n${step.code.text}\n}`));
  const run = (phase: Phase) =>
    lines(indexed.filter(({ step }) => step.phase === phase).map(({ index }) => raw(`step ${index}`)));
  return script(
    lines([
      sh`RUN=${directory(job.id)}`,
      raw('exec >> "$RUN/journal" 2>&1'),
      frameFunctions(job.id),
      stepLibrary,
      raw(`broken=
# step INDEX: in a subshell of its own; the first failure ends the changes, not the job
step() {
  [ -z "$broken" ] || return
  frame step "$1" start
  sync "$RUN/journal"
  ( set -e; "step_$1" ) > "$RUN/output" 2>&1
  status=$?
  frame step "$1" "$status" "$(tail -c 3000 "$RUN/output" | base64 -w0)="
  sync "$RUN/journal"
  [ "$status" = 0 ] || broken=yes
}`),
      ...functions,
      run('plain'),
      run('keep'),
      ...(job.guarded.length > 0 ? [guardedPart(job, run('guarded'), run('confirmed'))] : []),
      run('settle'),
      raw('rm -f "$RUN/reserve"'),
      job.inquiry.script(),
      raw('sync "$RUN/journal"'),
    ]),
  );
}

function guardedPart(job: Job, guarded: Sh, confirmed: Sh): Sh {
  const lists = [
    ...new Set(job.guarded.flatMap((change) => (change.kind === 'load-rules' ? change.lists : []))),
  ];
  return lines([
    raw('if [ -z "$broken" ]; then'),
    raw(': > "$RUN/pending"; sync "$RUN/pending" "$RUN"'),
    guarded,
    raw('if [ -n "$broken" ]; then sh "$RUN/rollback.sh"; frame guard rolledback'),
    raw('else'),
    // earlier connections of this run must not count against the one that confirms
    forgetOperator(lists, job.operator),
    sh`frame guard waiting ${job.confirmTimeout}; sync "$RUN/journal"`,
    raw(`deadline=$(( $(cut -d. -f1 /proc/uptime) + ${Math.ceil(job.confirmTimeout)} ))`),
    raw(`while [ -e "$RUN/pending" ]; do
  [ "$(cut -d. -f1 /proc/uptime)" -lt "$deadline" ] || { sh "$RUN/rollback.sh"; break; }
  sleep 0.1
done
if [ -e "$RUN/confirmed" ]; then frame guard confirmed
`),
    confirmed,
    raw(`else frame guard rolledback; fi
fi
# what was undone is the firewall: servers still have to take over the files that stand
[ ! -e "$RUN/rolledback" ] || broken=
fi`),
  ]);
}

/** Lays the job down on the host, starts it under systemd and follows it. */
export function startScript(job: Job): string {
  const run = directory(job.id);
  const rollback = rollbackScript(run, job.guarded).text;
  return script(
    lines([
      frameFunctions(job.id),
      raw(
        `busy() { frame locked "$(cat ${RUNS}/current/holder 2>/dev/null | head -c 300 | base64 -w0)="; exit 75; }`,
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
      retire(),
      layDown('job.sh', jobScript(job)),
      layDown('rollback.sh', `${rollback}\n`),
      sh`printf '%s\n' ${job.holder} > "$RUN/holder"`,
      raw(`said=$({ sh -n "$RUN/job.sh" && sh -n "$RUN/rollback.sh" && sync "$RUN/job.sh" "$RUN/rollback.sh" "$RUN"; } 2>&1) ||
  refuse 'the job was not written to /var/lib/harden as it was sent'
said=$(systemd-run --quiet --collect --unit=${JOB_UNIT} --property=Type=exec \\
  --property=ExecStopPost="/bin/sh $RUN/rollback.sh" /bin/sh "$RUN/job.sh" $HARDEN_CONNECTION 2>&1) || {
  if working; then rm -rf -- "$RUN"; busy; fi
  refuse 'systemd did not start the job'
}
ln -sfnT "$RUN" ${RUNS}/current
# by the host's own time: ids sort by the operators' clocks
ls -1dt ${RUNS}/*/ | grep -vxF -e ${RUNS}/current/ -e "$RUN/" | tail -n +${KEPT_RUNS} | while read -r old; do retire "\${old%/}"; done`),
      follow,
    ]),
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

/** Follows a run that is under way or over: its journal from the start, what became of the guard. */
export function followScript(id: string): string {
  return script(lines([frameFunctions(id), working, sh`RUN=${directory(id)}`, follow]));
}

/** Whether a job is at work on the host, or systemd is undoing one. */
const working = raw(
  `working() { case $(systemctl show -P ActiveState ${JOB_UNIT}) in active|activating|deactivating|reloading) ;; *) return 1 ;; esac; }`,
);

const follow = raw(`pid=$(systemctl show -P MainPID ${JOB_UNIT})
if [ "$(readlink ${RUNS}/current)" = "$RUN" ] && [ "$pid" != 0 ]; then tail -n +1 -s 0.1 --pid="$pid" -f "$RUN/journal"
else cat "$RUN/journal"; fi
# the job is over, yet systemd may still be undoing what nobody confirmed; and as long as it is, the host stays locked
i=0
while [ $i -lt 300 ] && [ "$(readlink ${RUNS}/current)" = "$RUN" ] && working; do sleep 0.1; i=$((i + 1)); done
for state in pending confirmed rolledback; do if [ -e "$RUN/$state" ]; then frame guard "$state"; fi; done`);

/** A whole script that confirms a run; it is sent over a new connection. */
export function confirmation(id: string): string {
  return script(lines([frameFunctions(id), confirmScript(directory(id))]));
}
