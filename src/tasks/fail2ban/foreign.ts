import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import { parseNetwork } from '../common/network.ts';
import { bansNobody } from './actions.ts';
import { readSection, unreadableLine } from './ini-section.ts';
import { effective } from './jail-files.ts';
import { wordsOf } from './jail-settings.ts';
import type { JailParams } from './schema.ts';
import { filterName } from './schema.ts';

/** Settings that decide what a jail counts; nobody else sets them in a jail that is ours as a whole. */
const DECISIVE = [
  'failregex',
  'ignoreregex',
  'prefregex',
  'datepattern',
  'maxlines',
  'ignorecommand',
] as const;

/**
 * What other hands wrote into fail2ban's files that makes this jail another one, with file and line; undefined if there
 * is nothing. `own` is the task's own file.
 */
export function foreignSetting(
  params: JailParams,
  files: readonly ConfigFile[],
  own: string,
): string | undefined {
  const others = files.filter(({ path }) => path !== own);
  for (const { path, text } of others) {
    const line = unreadableLine(text);
    if (line)
      return `${path}:${line} is not a line that fail2ban can read, so it will not start again; mend it`;
  }
  const { name } = params;
  const whole = params.file === undefined;
  for (const { path, text } of whole ? files : []) {
    const settings = readSection(text, name);
    const key = DECISIVE.find((one) => settings?.has(one));
    if (key)
      return `${path}:${settings?.get(key)?.line} sets ${key} of [${name}], which is not its own any more; remove it`;
  }
  const filter = params.filter === undefined ? effective(files, name, 'filter') : undefined;
  if (filter && filterName(filter.value) !== name) {
    return `${filter.path}:${filter.line} gives [${name}] the filter ${filter.value}; remove it`;
  }
  const action = effective(files, name, 'banaction') ?? effective(files, 'DEFAULT', 'banaction');
  if (action && bansNobody(action.value)) {
    return `${action.path}:${action.line} makes ${action.value} the ban action, so [${name}] would ban nobody; remove it`;
  }
  const spared = effective(files, name, 'ignoreip') ?? effective(files, 'DEFAULT', 'ignoreip');
  if (spared && wordsOf(spared.value).some((word) => parseNetwork(word)?.prefix === 0)) {
    return `${spared.path}:${spared.line} spares every address there is: [${name}] would ban nobody; remove it`;
  }
  return undefined;
}
