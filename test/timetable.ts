import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule, TestSuite } from 'vitest/node';
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
 * numbers of tests and what failed into that file, for whoever adds up several runs.
 */
export default class Timetable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const rows = modules.map(rowOf).toSorted((a, b) => b.seconds - a.seconds);
    if (rows.length > 0) console.log(table(rows));
    const file = process.env.HARDEN_RESULTS;
    if (file) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(outcomeOf(modules, unhandled)));
    }
  }
}

const nameOf = ({ project, relativeModuleId }: TestModule): string =>
  `${project.name} ${relativeModuleId.replace(/^test\/(hosts\/)?/, '').replace(/\.test\.ts$/, '')}`;

function rowOf(module: TestModule): Row {
  const { duration, prepareDuration, environmentSetupDuration, collectDuration } = module.diagnostic();
  return {
    name: nameOf(module),
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

/** What a run came to, for whoever adds up several. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each with its file and how its error begins. */
  readonly failures: readonly string[];
}

function outcomeOf(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Outcome {
  const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
  const failures = unhandled.map((error) => failure('outside any test', [error]));
  for (const module of modules) {
    const file = nameOf(module);
    // a file or a group that cannot begin has no tests to fail
    for (const suite of [module, ...module.children.allSuites()]) {
      const errors = suite.errors();
      if (errors.length === 0) continue;
      counts.failed += 1;
      failures.push(failure(suite === module ? file : `${file} > ${(suite as TestSuite).fullName}`, errors));
    }
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state === 'pending') continue;
      counts[state] += 1;
      if (state === 'failed') failures.push(failure(`${file} > ${test.fullName}`, errors ?? []));
    }
  }
  return { ...counts, failures };
}

const failure = (name: string, errors: readonly SerializedError[]): string =>
  [name, ...errors.map(({ message }) => stripVTControlCharacters(String(message)).slice(0, 600))].join(
    '\n  ',
  );
