import { oneLine } from '../text/harmless.ts';
import type { HostResult, RunResult, TaskResult } from './result.ts';
import type { Painter, Style } from './terminal.ts';
import { next, seconds, type TextOptions } from './text.ts';

/** What a check came to, for people: one that is well but has a note is worth a thought. */
type Grade = 'ok' | 'warning' | 'trouble' | 'unknown';

const grade = ({ status, notes }: TaskResult): Grade => {
  if (status === 'skipped') return 'unknown';
  if (status !== 'ok') return 'trouble';
  return notes.length > 0 ? 'warning' : 'ok';
};

const GRADES: Readonly<Record<Grade, readonly [sign: string, style: Style, words: string]>> = {
  trouble: ['x', 'red', 'in the way'],
  warning: ['!', 'yellow', 'to think about'],
  unknown: ['-', 'dim', 'not looked at'],
  ok: ['=', 'dim', 'ok'],
};

/** Of `harden doctor`: a line a check, what to do below it, totals, the next command. */
export function doctorReport(result: RunResult, options: TextOptions): string {
  const { paint, quiet, given } = options;
  const { summary, hosts } = result;
  const blocks = quiet ? [] : hosts.map((host) => hostText(host, hosts.length > 1, options));
  const part = (count: number, words: string, style: Style) =>
    count > 0 ? [paint(style, `${count} ${words}`)] : [];
  const states = [
    ...part(summary.ok, 'ready', 'green'),
    ...part(summary.failed, 'with something in the way', 'red'),
    ...part(summary.unreachable, 'unreachable', 'red'),
    ...part(summary.notRun, 'not looked at', 'dim'),
  ];
  const ready = hosts.filter(({ status }) => status === 'ok');
  const command =
    given && ready.length > 0 ? [`next: ${paint('bold', next('check', ready, hosts, given))}`] : [];
  const totals = [
    `${summary.hosts} ${summary.hosts === 1 ? 'host' : 'hosts'}: ${states.join(', ')}`,
    ...command,
  ];
  return `${[...blocks, totals.join('\n')].join('\n\n')}\n`;
}

/** Unless `verbose`, what was not looked at is only counted, and of several hosts what is ok, too. */
function hostText(host: HostResult, several: boolean, { paint, verbose }: TextOptions): string {
  const counts = (Object.keys(GRADES) as Grade[]).flatMap((one) => {
    const count = host.tasks.filter((task) => grade(task) === one).length;
    return count === 0 ? [] : [paint(GRADES[one][1], `${count} ${GRADES[one][2]}`)];
  });
  const address = host.address === host.name ? [] : [oneLine(host.address)];
  const header = [paint('bold', oneLine(host.name)), ...address, counts.join(', '), seconds(host.durationMs)];
  const hidden: readonly Grade[] = verbose ? [] : several ? ['unknown', 'ok'] : ['unknown'];
  const shown = host.tasks.filter((task) => !hidden.includes(grade(task)));
  const width = Math.max(0, ...host.tasks.map(({ name }) => name.length));
  return [header.join('  '), ...shown.map((task) => checkText(task, width, paint))].join('\n');
}

function checkText(task: TaskResult, width: number, paint: Painter): string {
  const [sign, style] = GRADES[grade(task)];
  const says = oneLine(task.reason);
  const line = `  ${paint(style, sign)} ${task.name.padEnd(width)}  ${style === 'dim' ? paint('dim', says) : says}`;
  return [line, ...task.notes.map((note) => `      ${paint('cyan', 'do:')} ${oneLine(note)}`)].join('\n');
}
