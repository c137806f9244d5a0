import { oneLine } from '../text/harmless.ts';
import type { HostResult, RunEntry, RunResult } from './result.ts';
import type { Painter, Style } from './terminal.ts';

const STYLES: Readonly<Record<RunEntry['state'], Style>> = {
  ended: 'green',
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

function cells({ id, began, who, command, state, changes, tasks }: RunEntry): string[] {
  const when = `${began.slice(0, 10)} ${began.slice(11, 19)} UTC`;
  const what = `${changes} ${changes === 1 ? 'change' : 'changes'}${tasks.length > 0 ? `: ${tasks.join(', ')}` : ''}`;
  return [id, when, oneLine(who) || 'an older version', command, state, oneLine(what)];
}
