import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import type { Activity, Waits } from './waits.ts';

/** Files below this are added up in one row. */
const SHORT = 2;

interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly tests: number;
  readonly waits: Waits;
}

/**
 * Ends a run with its test files by time and what the longest of them wait for. With HARDEN_RESULTS, also writes the
 * numbers of tests into that file, for whoever adds up several runs.
 */
export default class Timetable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.map(rowOf).toSorted((a, b) => b.seconds - a.seconds);
    if (rows.length > 0) console.log(table(rows));
    const file = process.env.HARDEN_RESULTS;
    if (file) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(countsOf(modules)));
    }
  }
}

function rowOf(module: TestModule): Row {
  const { duration, prepareDuration, environmentSetupDuration, collectDuration } = module.diagnostic();
  const project = module.project.name;
  return {
    name: `${project} ${module.relativeModuleId.replace(/^test\/(hosts\/)?/, '').replace(/\.test\.ts$/, '')}`,
    seconds: (duration + prepareDuration + environmentSetupDuration + collectDuration) / 1000,
    tests: [...module.children.allTests()].length,
    waits: module.meta().waits ?? {},
  };
}

function table(rows: readonly Row[]): string {
  const long = rows.filter(({ seconds }) => seconds >= SHORT);
  const short = rows.filter(({ seconds }) => seconds < SHORT);
  const activities = [...new Set(long.flatMap(({ waits }) => Object.keys(waits)))] as Activity[];
  const cells = (row: Row) => [
    row.seconds.toFixed(1),
    String(row.tests),
    ...activities.map((activity) => row.waits[activity]?.toFixed(1) ?? ''),
  ];
  const sum = (some: readonly Row[], name: string): Row => ({
    name,
    seconds: some.reduce((total, { seconds }) => total + seconds, 0),
    tests: some.reduce((total, { tests }) => total + tests, 0),
    waits: Object.fromEntries(
      activities.map((activity) => [
        activity,
        some.reduce((total, { waits }) => total + (waits[activity] ?? 0), 0),
      ]),
    ),
  });
  const shown = [
    ...long,
    ...(short.length > 0 ? [sum(short, `${short.length} files below ${SHORT} s`)] : []),
    sum(rows, `${rows.length} files`),
  ];
  const head = ['seconds', 'tests', ...activities];
  const name = Math.max(...shown.map((row) => row.name.length));
  const widths = head.map((title, index) =>
    Math.max(title.length, ...shown.map((row) => cells(row)[index]!.length)),
  );
  const line = (title: string, columns: readonly string[]) =>
    [title.padEnd(name), ...columns.map((column, index) => column.padStart(widths[index]!))].join('  ');
  return ['', line('Time by file', head), ...shown.map((row) => line(row.name, cells(row))), ''].join('\n');
}

function countsOf(modules: readonly TestModule[]): { passed: number; failed: number; skipped: number } {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    // a file that does not load has no tests to fail
    if (module.state() === 'failed' && module.errors().length > 0) counts.failed += 1;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state !== 'pending') counts[state] += 1;
    }
  }
  return counts;
}
