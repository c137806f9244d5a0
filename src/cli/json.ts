import type { Problem } from '../document/problem.ts';
import { type CommandName, type ProblemResult, type RunResult, summarize } from '../report/result.ts';
import { version } from '../version.ts';

/** The result of a run that never began, since what it was given has mistakes: no host was contacted. */
const unusable = (command: CommandName, problems: readonly ProblemResult[]): RunResult => ({
  format: 'harden.result/1',
  version,
  command,
  exitCode: 1,
  summary: summarize([]),
  hosts: [],
  problems,
});

/** Mistakes in files, for a program. */
export const printProblems = (command: CommandName, problems: readonly Problem[]): void =>
  printResult(
    unusable(
      command,
      problems.map(({ file, line, column, message, hint }) => ({
        file,
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
        message,
        ...(hint === undefined ? {} : { hint }),
      })),
    ),
  );

/** A mistake on the command line, for a program. */
export const printMistake = (command: CommandName, message: string): void =>
  printResult(unusable(command, [{ file: 'command line', message }]));

/** The one document that standard output has. */
export const printResult = (result: RunResult): void => {
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
};
