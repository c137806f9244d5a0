import { quote } from '../shell/quote.ts';
import { harmless, oneLine } from '../text/harmless.ts';
import type { HostResult, RunResult, TaskResult, TaskStatus } from './result.ts';
import type { Painter, Style } from './terminal.ts';

export interface TextOptions {
  readonly paint: Painter;
  /** Show diffs. */
  readonly diff: boolean;
  /** Totals only. */
  readonly quiet: boolean;
  /** Also the tasks of hosts that are as wanted. */
  readonly verbose: boolean;
  /** What the command was given, for the next one; without it none is named. */
  readonly given?: Given;
}

export interface Given {
  readonly inventory: string;
  /** Other words of the command line that choose what is worked on, but for `--limit`. */
  readonly choices: readonly string[];
  /** The names that `--var` set. */
  readonly variables: readonly string[];
  readonly limit?: string;
  /** The run that is put back. */
  readonly run?: string;
}

const SIGNS: Readonly<Record<TaskStatus, readonly [sign: string, style: Style]>> = {
  ok: ['=', 'dim'],
  drift: ['~', 'yellow'],
  changed: ['+', 'green'],
  unknown: ['?', 'cyan'],
  blocked: ['!', 'red'],
  failed: ['x', 'red'],
  'rolled-back': ['<', 'magenta'],
  skipped: ['-', 'dim'],
};

/** The meaning of each sign, for the legend of a plan. */
const WORDS: Readonly<Record<TaskStatus, string>> = {
  ok: 'as wanted',
  drift: 'to change',
  changed: 'changed',
  unknown: 'not known yet',
  blocked: 'blocked',
  failed: 'failed',
  'rolled-back': 'rolled back',
  skipped: 'not applied',
};

/** What people read: one line a task with its reason, diffs, totals, the next command. */
export function textReport(result: RunResult, options: TextOptions): string {
  const hosts = options.quiet ? [] : result.hosts.map((host) => hostText(host, result, options));
  return `${[...hosts, totals(result, options)].join('\n\n')}\n`;
}

/** One host: a header and, where there is something to say, its tasks. */
export function hostText(host: HostResult, result: Pick<RunResult, 'hosts'>, options: TextOptions): string {
  const { paint } = options;
  const counts = (Object.keys(SIGNS) as TaskStatus[]).flatMap((status) => {
    const count = host.tasks.filter((task) => task.status === status).length;
    return count === 0 ? [] : [paint(SIGNS[status][1], `${count} ${WORDS[status]}`)];
  });
  const address = host.address === host.name ? [] : [oneLine(host.address)];
  const state =
    counts.length === 0 || host.status === 'unreachable' || host.status === 'locked'
      ? paint('red', host.status)
      : counts.join(', ');
  const header = [paint('bold', oneLine(host.name)), ...address, state, seconds(host.durationMs)]
    .filter(Boolean)
    .join('  ');
  const reason = host.reason
    ? [`  ${paint('red', 'x')} ${harmless(host.reason).replaceAll('\n', '\n    ')}`]
    : [];
  const notes = (host.notes ?? []).map((note) => `  ${paint('cyan', 'i')} ${oneLine(note)}`);
  const dull = host.status === 'ok' && result.hosts.length > 1 && !options.verbose;
  const width = Math.max(0, ...host.tasks.map(({ id }) => id.length));
  const tasks = dull ? [] : host.tasks.map((task) => taskText(task, width, options));
  return [header, ...reason, ...notes, ...tasks].join('\n');
}

function taskText(task: TaskResult, width: number, { paint, diff }: TextOptions): string {
  const [sign, style] = SIGNS[task.status];
  // a proven change is told by what it mended
  const reason = `${task.status === 'changed' ? 'before: ' : ''}${oneLine(task.reason)}`;
  const line = `  ${paint(style, sign)} ${task.id.padEnd(width)}  ${task.status === 'ok' ? paint('dim', reason) : reason}`;
  const notes = task.notes.map((note) => `      ${paint('cyan', 'note:')} ${oneLine(note)}`);
  const moving = task.status === 'drift' || task.status === 'rolled-back';
  const changes = moving || diff ? task.changes.flatMap((change) => changeText(change, paint, diff)) : [];
  return [line, ...changes, ...notes].join('\n');
}

function changeText(change: TaskResult['changes'][number], paint: Painter, diff: boolean): string[] {
  const summary = `      ${paint('dim', oneLine(change.summary))}`;
  if (!diff || !change.diff) return [summary];
  return [
    summary,
    ...harmless(change.diff)
      .split('\n')
      .map((line) => `      ${paintDiff(line, paint)}`),
  ];
}

function paintDiff(line: string, paint: Painter): string {
  if (line.startsWith('@@')) return paint('cyan', line);
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line;
}

function totals(result: RunResult, options: TextOptions): string {
  const { paint } = options;
  const { summary, command, exitCode } = result;
  const part = (count: number, words: string, style: Style) =>
    count ? [paint(style, `${count} ${words}`)] : [];
  const hosts = `${summary.hosts} ${summary.hosts === 1 ? 'host' : 'hosts'}`;
  const back = command === 'rollback';
  const states = [
    ...part(summary.ok, back ? 'with nothing to put back' : 'in sync', 'green'),
    ...part(summary.changed, 'changed and proven', 'green'),
    ...part(summary.drift, back ? 'to roll back' : 'with drift', 'yellow'),
    ...part(summary.rolledBack, 'rolled back', 'magenta'),
    // what an interruption left is no failure of the host
    ...part(summary.failed, exitCode === 130 ? 'not finished' : 'failed or blocked', 'red'),
    ...part(summary.unreachable, 'unreachable', 'red'),
    ...part(summary.locked, 'locked', 'red'),
    ...part(summary.notRun, 'not run', 'dim'),
  ];
  const nothing =
    command === 'apply' && summary.changed === 0 && exitCode === 0 ? ['nothing had to be changed'] : [];
  const next = options.given && nextCommand(result, options.given);
  return [
    `${hosts}: ${[...states, ...nothing].join(', ')}`,
    ...(next ? [`next: ${paint('bold', next)}`] : []),
  ].join('\n');
}

function nextCommand({ command, hosts, summary }: RunResult, given: Given): string | undefined {
  const drifted = hosts.filter((host) => host.tasks.some(({ status }) => status === 'drift'));
  if (command !== 'apply' && drifted.length > 0) {
    return next(command === 'rollback' ? command : 'apply', drifted, hosts, given);
  }
  const rolledBack = hosts.filter(({ status }) => status === 'rolled-back');
  if (rolledBack.length > 0) return next('diff', rolledBack, hosts, given);
  return summary.changed > 0 && summary.changed === summary.hosts
    ? next('check', hosts, hosts, given)
    : undefined;
}

/** A command on some of a run's hosts, as one types it. */
export function next(
  name: string,
  chosen: readonly HostResult[],
  hosts: readonly HostResult[],
  given: Given,
): string {
  const limit = chosen.length === hosts.length ? given.limit : chosen.map((host) => host.name).join(',');
  const words = [
    given.inventory,
    ...given.choices,
    ...(name === 'rollback' && given.run !== undefined ? ['--run', given.run] : []),
    ...(limit === undefined ? [] : ['--limit', limit]),
  ];
  // a value may be a secret, and a made-up one must not reach a host: without one the command does not run
  const variables = given.variables.flatMap((variable) => ['--var', variable]);
  const values = variables.length > 0 ? ' (the values as before)' : '';
  return ['harden', name, ...[...words, ...variables].map(typed)].join(' ') + values;
}

/** A word as one types it: quoted only if it has to be. */
const typed = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : quote(oneLine(word)));

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
