import type { Path } from '../document/document.ts';
import { suggestion } from '../document/suggest.ts';

/** A variable's value and where it was set, for messages. */
export interface Variable {
  readonly value: unknown;
  /** `inventory.yaml:4:12`, `--var`. */
  readonly origin: string;
}

export type Variables = ReadonlyMap<string, Variable>;

/** A piece of text that cannot be expanded. */
export interface ExpansionProblem {
  readonly path: Path;
  /** The part of the text that is meant. */
  readonly part: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Expansion {
  readonly value: unknown;
  readonly problems: readonly ExpansionProblem[];
  /** Where values came from variables: the paths at which a whole value was one. */
  readonly origins: readonly { readonly path: Path; readonly name: string; readonly origin: string }[];
  /** Every variable that was looked up. */
  readonly used: ReadonlySet<string>;
}

/** Stands where a value would, so that a required parameter is not called missing. */
const UNKNOWN = Symbol('unknown');

const TOKEN = /\{\{\s*(?:'([^']*)'|"([^"]*)"|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))\s*\}\}/y;

/**
 * Expands `{{ name }}` once, in all text of `value`. Values are never expanded again. A text that is nothing but
 * `{{ name }}` becomes the value itself, whatever its type; `{{ '{{' }}` is a literal `{{`.
 */
export function expand(value: unknown, variables: Variables): Expansion {
  const problems: ExpansionProblem[] = [];
  const origins: { path: Path; name: string; origin: string }[] = [];
  const used = new Set<string>();

  const lookUp = (name: string, part: string, path: Path): unknown => {
    const [first, ...rest] = name.split('.');
    used.add(first!);
    const variable = variables.get(first!);
    let found = variable?.value;
    for (const key of rest) {
      const inside = typeof found === 'object' && found !== null && Object.hasOwn(found, key);
      found = inside ? (found as Record<string, unknown>)[key] : undefined;
    }
    if (variable !== undefined && found !== undefined) return found;
    const near = variable ? undefined : suggestion(first!, variables.keys());
    problems.push({
      path,
      part,
      message: `"${name}" is not defined`,
      ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
    });
    return UNKNOWN;
  };

  const text = (source: string, path: Path): unknown => {
    let result = '';
    let at = 0;
    for (let open = source.indexOf('{{'); open >= 0; open = source.indexOf('{{', at)) {
      result += source.slice(at, open);
      TOKEN.lastIndex = open;
      const token = TOKEN.exec(source);
      if (!token) {
        problems.push({
          path,
          part: '{{',
          message: "{{ has to be followed by a variable's name and }} (a literal one is {{ '{{' }})",
        });
        return source;
      }
      at = TOKEN.lastIndex;
      const [part, single, double, name] = token;
      const literal = single ?? double;
      const found = literal ?? lookUp(name!, part, path);
      if (part === source && literal === undefined) {
        const origin = variables.get(name!.split('.')[0]!)?.origin;
        if (origin !== undefined) origins.push({ path, name: name!, origin });
        return found;
      }
      if (typeof found === 'object' && found !== null) {
        problems.push({
          path,
          part,
          message: `"${name}" is ${Array.isArray(found) ? 'a list' : 'a map'} and cannot stand inside text`,
        });
      } else result += String(found ?? '');
    }
    return result + source.slice(at);
  };

  const walk = (node: unknown, path: Path): unknown => {
    if (typeof node === 'string') return text(node, path);
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
  };

  return { value: walk(value, []), problems, origins, used };
}
