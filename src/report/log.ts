import { oneLine } from '../text/harmless.ts';
import type { HostResult, RunEntry, RunResult } from './result.ts';
import type { Painter, Style } from './terminal.ts';

const STYLES: Readonly<Record<RunEntry['state'], Style>> = {
  done: 'green',
  failed: 'red',
  interrupted: 'yellow',
  'rolled back': 'magenta',
  'cut off': 'red',
  'at work': 'cyan',
};

/** The runs of each host, the latest first: one line a run, with the id that `harden rollback --run` takes. */
export function logReport({ hosts }: RunResult, { paint }: { readonly paint: Painter }): string {
  return `${hosts.map((host) => hostText(host, paint)).join('\n\n')}\n`;
}

function hostText(host: HostResult, paint: Painter): string {
  const header = [paint('bold', oneLine(host.name)), host.address === host.name ? '' : oneLine(host.address)]
    .filter(Boolean)
    .join('  ');
  if (!host.runs) return `${header}\n  ${paint('red', 'x')} ${oneLine(host.reason ?? host.status)}`;
  if (host.runs.length === 0) return `${header}\n  harden has changed nothing here that it remembers`;
  const rows = host.runs.toReversed().map(cells);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row, index) => {
    const { state } = host.runs!.at(-1 - index)!;
    return row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .map((cell, column) => (column === STATE ? paint(STYLES[state], cell) : cell))
      .join('  ');
  });
  return [header, ...lines.map((line) => `  ${line}`)].join('\n');
}

const STATE = 4;

function cells({ id, began, who, command, state, ...run }: RunEntry): string[] {
  const when = `${began.slice(0, 10)} ${began.slice(11, 19)} UTC`;
  return [id, when, oneLine(who) || 'an older version', command, state, oneLine(whatOf(run))];
}

/** How much a run changed, and what became of which tasks. */
function whatOf(run: Omit<RunEntry, 'id' | 'began' | 'who' | 'command' | 'state'>): string {
  const { changes, undone, tasks, removed, failed, unconfirmed } = run;
  const made = tasks.filter((id) => !removed.includes(id)).join(', ');
  const back = undone === 0 ? '' : undone === changes ? ', undone' : `, ${undone} of them undone`;
  // what only loads rules or runs a command is not counted
  const count = changes === 0 ? '' : `${changes} ${changes === 1 ? 'change' : 'changes'}${back}`;
  const list = (word: string, ids: readonly string[]) =>
    ids.length > 0 ? [`${word}: ${ids.join(', ')}`] : [];
  return [
    [count, made].filter(Boolean).join(undone === 0 ? ': ' : '; applied: ') || 'no change noted',
    ...list('taken away', removed),
    ...list('failed', failed),
    ...list(
      'not confirmed',
      unconfirmed.filter((id) => !failed.includes(id)),
    ),
  ].join('; ');
}
