import { Argument, Command, CommanderError, Option } from 'commander';
import { InputError } from '../document/problem.ts';
import { isCommand } from '../report/result.ts';
import { version } from '../version.ts';
import { commonOptions, UsageError, whole } from './options.ts';

/**
 * The command line: arguments in, exit code out. Each command lives in a file of its own and is loaded when it runs,
 * so that `harden --help` costs nothing.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('harden')
    .description(
      'Turns Debian and Ubuntu hosts into hardened Apache James mail hosts over SSH, and detects drift.',
    )
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });

  const looks = [
    ['check', 'is every host as declared? changes nothing; exit code 2 on drift'],
    ['diff', 'check, with every pending change as a unified diff'],
    ['verify', 'check, and run the proofs (fail2ban-regex on the samples) on the hosts'],
  ] as const;
  for (const [name, description] of looks) {
    const command = withInventory(program.command(name).description(description));
    command.action(async (inventory, options) => {
      code = await (await import('./look.ts')).look(name, inventory, options);
    });
  }
  changing(program.command('apply').description('make it so, then prove it')).action(
    async (inventory, options) => {
      code = await (await import('./apply.ts')).apply(inventory, options);
    },
  );
  changing(
    program.command('rollback').description('put back what the latest apply, or another run, changed'),
    OF_PLAYBOOKS,
  )
    .option('--run <id>', 'the run whose changes are put back, as harden log prints it')
    .option(
      '--dry-run',
      'show what would be put back, with its diff, and change nothing; exit code 2 if there is something',
    )
    .action(async (inventory, options) => {
      code = await (await import('./rollback.ts')).rollback(inventory, options);
    });
  withInventory(program.command('log').description('the runs that each host remembers'), OF_PLAYBOOKS).action(
    async (inventory, options) => {
      code = await (await import('./log.ts')).log(inventory, options);
    },
  );
  withInventory(
    program
      .command('doctor')
      .description('can each host be reached, trusted, logged in to, and administered? what to do if not'),
    ['tags', 'task'],
  ).action(async (inventory, options) => {
    code = await (await import('./doctor.ts')).doctor(inventory, options);
  });
  program
    .command('init')
    .description('a commented inventory and playbook to start from')
    .argument('[dir]', 'where to write them', '.')
    .action(async (dir) => {
      code = await (await import('./init.ts')).init(dir);
    });
  program
    .command('tasks')
    .description('the task types and their parameters')
    .argument('[type]')
    .option('--no-color', 'no colours')
    .action(async (type, options) => {
      code = (await import('./tasks.ts')).tasks(type, options);
    });
  program
    .command('schema')
    .description('JSON Schema for editors')
    .addArgument(new Argument('<kind>').choices(['inventory', 'playbook']))
    .action(async (kind) => {
      code = (await import('./schema.ts')).schema(kind);
    });

  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (argv.includes('--json')) await told(argv[0], error);
    return failure(error);
  }
}

/** A mistake on the command line, for a program; mistakes in files were told where they were found. */
async function told(command: string | undefined, error: unknown): Promise<void> {
  const mistaken = error instanceof UsageError || (error instanceof CommanderError && error.exitCode !== 0);
  if (!mistaken || !isCommand(command)) return;
  (await import('./json.ts')).printMistake(command, error.message.replace(/^error: /, ''));
}

/** Flags that mean nothing to a command that has nothing to do with playbooks. */
const OF_PLAYBOOKS = ['playbook', 'tags', 'task', 'var'];

/** `without`: flags that mean nothing to the command. */
function withInventory(command: Command, without: readonly string[] = []): Command {
  command.argument('[inventory]', 'default: $HARDEN_INVENTORY, inventory.yaml, inventory/inventory.yaml');
  for (const option of commonOptions()) {
    if (!without.includes(option.attributeName())) command.addOption(option);
  }
  return command;
}

/** A command that changes hosts. */
function changing(command: Command, without: readonly string[] = []): Command {
  return withInventory(command, without)
    .option('--yes', 'do not ask')
    .addOption(
      new Option(
        '--confirm-timeout <seconds>',
        'how long a host waits for the new login that confirms a change that could lock you out',
      )
        .default(60)
        .argParser(whole('--confirm-timeout', 10, 600)),
    )
    .option('--detailed-exitcode', 'exit with 2 when something was changed');
}

/** Says what went wrong, as a sentence, and gives the exit code. */
export function failure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
  if (error instanceof InputError || error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `harden met a bug of its own and stopped. A host that was being changed finishes its run by itself and undoes what nobody confirmed; harden check says where it is.\n${text}\n`,
  );
  return 70;
}
