import { commandTask } from './command.ts';
import { directoryTask } from './directory.ts';
import { fail2banFilterTask } from './fail2ban_filter.ts';
import { fail2banJailTask } from './fail2ban_jail.ts';
import { fail2banRegexTask } from './fail2ban_regex.ts';
import { fileTask } from './file.ts';
import { iptablesRecentTask } from './iptables_recent.ts';
import { log4j2Task } from './log4j2.ts';
import { packageTask } from './package.ts';
import { serviceTask } from './service.ts';
import type { AnyTaskType } from './task.ts';

const ALL: readonly AnyTaskType[] = [
  packageTask,
  directoryTask,
  fileTask,
  serviceTask,
  commandTask,
  iptablesRecentTask,
  fail2banFilterTask,
  fail2banJailTask,
  fail2banRegexTask,
  log4j2Task,
];

/** Every task type by the key it has in a playbook. A new one is a file of its own and a line here. */
export const taskTypes: ReadonlyMap<string, AnyTaskType> = new Map(ALL.map((task) => [task.type, task]));
