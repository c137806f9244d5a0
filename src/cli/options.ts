import { Option } from 'commander';

/** Flags that several commands share. The help text is the documentation. */
export interface CommonOptions {
  readonly playbook?: string[];
  readonly limit?: string;
  readonly tags?: string[];
  readonly task?: string[];
  readonly var?: Record<string, string>;
  readonly forks: number;
  readonly json?: boolean;
  readonly color: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly askBecomePass?: boolean;
  readonly acceptNew?: boolean;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];
const commas = (value: string, before: string[] = []): string[] => [...before, ...value.split(',')];

function assignment(value: string, before: Record<string, string> = {}): Record<string, string> {
  const at = value.indexOf('=');
  if (at < 1) throw new UsageError(`--var takes NAME=VALUE, not "${value}"`);
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

/** A whole number between two bounds, or a usage error that quotes the value back. */
export function whole(flag: string, least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw new UsageError(`${flag} takes a whole number from ${least} to ${most}, not "${value}"`);
    }
    return number;
  };
}

/** Something on the command line is wrong: exit code 1, no host was contacted. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const commonOptions = (): Option[] => [
  new Option(
    '--playbook <file>',
    'use this playbook instead of the one the inventory names (repeatable)',
  ).argParser(collect),
  new Option('--limit <pattern>', 'only these hosts and groups: names, globs, comma-separated; ! excludes'),
  new Option('--tags <tags>', 'only tasks with one of these tags, comma-separated').argParser(commas),
  new Option('--task <id>', 'only this task (repeatable)').argParser(collect),
  new Option(
    '--var <name=value>',
    'set a variable, stronger than any file (repeatable; the value is YAML)',
  ).argParser(assignment),
  new Option('--forks <n>', 'hosts worked on at the same time')
    .default(10)
    .argParser(whole('--forks', 1, 500)),
  new Option('--json', 'print one JSON document on standard output; text for people goes to standard error'),
  new Option('--no-color', 'no colours (NO_COLOR does the same)'),
  new Option('-q, --quiet', 'totals only'),
  new Option('-v, --verbose', 'also the tasks of hosts that are as wanted'),
  new Option(
    '--accept-new',
    'record the keys of hosts that no known_hosts file knows yet; a changed key is refused all the same',
  ),
  new Option(
    '--ask-become-pass',
    'ask for the sudo password (or set HARDEN_BECOME_PASSWORD, or HARDEN_BECOME_PASSWORD_COMMAND to a command that prints it)',
  ),
];
