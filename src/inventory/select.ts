import { InputError } from '../document/problem.ts';
import { hint } from '../document/suggest.ts';
import { glob } from '../text/glob.ts';
import { namesOf } from './ranges.ts';

/**
 * The hosts that a `--limit` pattern means, in the inventory's order: names, ranges, groups and globs, separated by commas; `!`
 * excludes. Throws `InputError` for a part that means nothing.
 */
export function selectHosts(
  pattern: string,
  hosts: readonly string[],
  groups: Readonly<Record<string, readonly string[]>>,
): string[] {
  const parts = pattern.split(',').flatMap((part) => ranged(part.trim()));
  const problems = parts.flatMap((part) => {
    const name = part.replace(/^!/, '');
    if (meaning(name, hosts, groups).length > 0 || name in groups) return [];
    const near = hint(name, [...hosts, ...Object.keys(groups)]);
    return [
      { file: '--limit', message: `no host or group is called "${name}"`, ...(near ? { hint: near } : {}) },
    ];
  });
  if (problems.length > 0) throw new InputError(problems);
  const included = parts
    .filter((part) => !part.startsWith('!'))
    .flatMap((part) => meaning(part, hosts, groups));
  const excluded = parts
    .filter((part) => part.startsWith('!'))
    .flatMap((part) => meaning(part.slice(1), hosts, groups));
  const onlyExcludes = parts.every((part) => part.startsWith('!'));
  return hosts.filter((host) => (onlyExcludes || included.includes(host)) && !excluded.includes(host));
}

/** One part a name of a range. */
function ranged(part: string): readonly string[] {
  const names = namesOf(part);
  if (typeof names === 'string') throw new InputError([{ file: '--limit', message: `"${part}": ${names}` }]);
  return names;
}

function meaning(
  name: string,
  hosts: readonly string[],
  groups: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  if (!/[*?]/.test(name)) return hosts.includes(name) ? [name] : (groups[name] ?? []);
  const inGroups = Object.entries(groups).flatMap(([group, members]) => (glob(name, group) ? members : []));
  return [...hosts.filter((host) => glob(name, host)), ...inGroups];
}
