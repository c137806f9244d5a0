import { feed, frameFunctions, script } from '../shell/frame.ts';
import { mindFolders, ownFolders } from '../shell/own-folders.ts';
import { lines, raw, type Sh, sh } from '../shell/quote.ts';
import { JOB_UNIT, RUNS, records, STATE, working } from '../shell/records.ts';
import { follow } from './follow-scripts.ts';
import { rollbackScript } from './guard.ts';
import { directory, type Job, jobScript, RESERVE, UNDOING } from './job.ts';

/** Lays the job down on the host, starts it under systemd and follows it. */
export function startScript(job: Job): string {
  const run = directory(job.id);
  const rollback = rollbackScript(run, job.guarded, job.operator).text;
  return script(
    lines([
      frameFunctions(job.id),
      ownFolders,
      mindFolders,
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
said=$({ mkdir -p -m 0700 ${RUNS} && mkdir "$RUN"; } 2>&1) || refuse 'nothing can be written to ${STATE} (is the disk full or read-only?)'
laid=yes
if [ -d ${RUNS}/current ] && ! [ -L ${RUNS}/current ]; then rmdir ${RUNS}/current 2>/dev/null || refuse '${RUNS}/current is a folder, where harden keeps a link to its latest run: look at what is in it and move it away'; fi
said=$({ mkdir "$RUN/before" "$RUN/after" && : > "$RUN/files" && : > "$RUN/packages" && : > "$RUN/journal" && head -c ${RESERVE} /dev/zero > "$RUN/reserve"; } 2>&1) ||
  refuse 'its journal cannot be kept in ${STATE} (is the disk full?)'`),
      records(),
      layDown('job.sh', jobScript(job)),
      // whatever the clock was when the others were laid down
      raw('newest "$RUN"'),
      layDown('rollback.sh', `${rollback}\n`),
      layDown('plan.json', `${JSON.stringify(job.plan)}\n`),
      layDown('holder', `${job.holder.who}\n${job.holder.mark}\n`),
      raw(`said=$({ sh -n "$RUN/job.sh" && sh -n "$RUN/rollback.sh" && sync "$RUN/job.sh" "$RUN/rollback.sh" "$RUN"; } 2>&1) ||
  refuse 'the job was not written to ${STATE} as it was sent'
said=$(systemd-run --quiet --collect --unit=${JOB_UNIT} --property=Type=exec \\
  --property=ExecStopPost="/bin/sh $RUN/rollback.sh job" --property=TimeoutStopSec=${UNDOING} --setenv=HARDEN_USER="\${SUDO_USER:-$(id -un)}" /bin/sh "$RUN/job.sh" $HARDEN_CONNECTION 2>&1) || {
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
      `[ "$(wc -c < "$RUN/${name}")" -eq ${content.length} ] || refuse 'the job was not written to ${STATE} in full (is the disk full?)'`,
    ),
  ]);
}
