import type { TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Path } from './document.ts';
import { hint } from './suggest.ts';

/** What is wrong with a value, and where inside it. */
export interface Violation {
  readonly path: Path;
  /** Whether the key or the value is meant. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint?: string | undefined;
  /** A key too many: without it the value would fit. */
  readonly surplus?: boolean;
}

// the schemas are our own, and a test checks that they are some: in each run that would only take time
const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, meta: false, validateSchema: false });
// of a path, the bytes that each name in it may have: no pattern counts them
ajv.addKeyword({
  keyword: 'nameBytes',
  type: 'string',
  validate: (most: number, path: string) => path.split('/').every((name) => Buffer.byteLength(name) <= most),
});
const compiled = new WeakMap<TSchema, ValidateFunction>();

/** Everything in `value` that does not fit `schema`, in words. Each schema is compiled once. */
export function violations(schema: TSchema, value: unknown): Violation[] {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  if (validate(value)) return [];
  return withoutUnionNoise(validate.errors ?? []).flatMap((error) => [inWords(error), ...below(error)]);
}

/** What is wrong with the value of a name that is wrong itself. */
function below({ keyword, params, data, parentSchema, instancePath }: ErrorObject): Violation[] {
  const [schema] = Object.values((parentSchema?.patternProperties as Record<string, TSchema>) ?? {});
  if (keyword !== 'additionalProperties' || !schema) return [];
  const name = params.additionalProperty as string;
  const path = [...pathOf(instancePath), name];
  return violations(schema, (data as Record<string, unknown>)[name]).map((one) => ({
    ...one,
    path: [...path, ...one.path],
  }));
}

const pathOf = (instancePath: string): Path =>
  instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

/**
 * For a value that fits no branch of a union ajv reports the errors of every branch. If the value has the type of one
 * branch only, that one was meant: only its errors stay. Otherwise one sentence names the alternatives.
 */
function withoutUnionNoise(errors: readonly ErrorObject[]): ErrorObject[] {
  let kept = [...errors];
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')) {
    const inside = kept.filter(
      (error) => error !== union && error.schemaPath.startsWith(`${union.schemaPath}/`),
    );
    const branch = (error: ErrorObject) => error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0]!;
    const wrongType = new Set(
      inside
        .filter(
          (error) =>
            error.instancePath === union.instancePath && ['type', 'const', 'enum'].includes(error.keyword),
        )
        .map(branch),
    );
    const meant = new Set(inside.map(branch).filter((name) => !wrongType.has(name)));
    kept =
      meant.size === 1
        ? kept.filter((error) => error !== union && (!inside.includes(error) || meant.has(branch(error))))
        : kept.filter((error) => !inside.includes(error));
  }
  return kept;
}

function inWords(error: ErrorObject): Violation {
  const path = pathOf(error.instancePath);
  const { params, keyword, data } = error;
  const schema = error.parentSchema as TSchema;
  const given = quoteBack(data);
  const value = (message: string, more?: string): Violation => ({ path, at: 'value', message, hint: more });
  switch (keyword) {
    case 'additionalProperties': {
      const key = params.additionalProperty as string;
      const [names] = Object.keys((schema.patternProperties as object | undefined) ?? {});
      if (names !== undefined) {
        const message = `${quoteBack(key)} cannot be a name here${culprit(key, names)}`;
        return { path: [...path, key], at: 'key', message, surplus: true };
      }
      const known = Object.keys((schema.properties as object | undefined) ?? {});
      return {
        path: [...path, key],
        at: 'key',
        message: `unknown key "${key}"`,
        hint: hint(key, known),
        surplus: true,
      };
    }
    case 'required':
      return { path, at: 'key', message: `"${params.missingProperty}" is missing` };
    case 'type':
      return value(`must be ${article(schema)}, not ${given}`, schema.description);
    case 'const':
    case 'enum': {
      const allowed = (keyword === 'enum' ? (schema.enum as unknown[]) : [schema.const]).map(String);
      return value(
        `must be ${allowed.join(' or ')}, not ${given}`,
        typeof data === 'string' ? hint(data, allowed) : undefined,
      );
    }
    case 'anyOf':
    case 'oneOf':
      return value(`must be ${alternatives(schema)}, not ${given}`, schema.description);
    case 'minimum':
      return value(`must be at least ${params.limit}, not ${given}`, schema.description);
    case 'maximum':
      return value(`must be at most ${params.limit}, not ${given}`, schema.description);
    case 'minItems':
      return value(`needs at least ${params.limit} ${params.limit === 1 ? 'entry' : 'entries'}`);
    case 'maxItems':
      return value(`has more than ${params.limit} entries`);
    case 'uniqueItems':
      return value('names the same thing twice');
    case 'minLength':
      return value('must not be empty');
    case 'maxLength':
      return value(`is longer than ${params.limit} characters`);
    case 'minProperties':
      return value('must not be empty');
    case 'nameBytes':
      return value(
        `${given} has a name in it of more than ${schema.nameBytes} bytes, which no file can have`,
      );
    case 'pattern':
      return value(
        `${given} is not allowed here${culprit(data, params.pattern)}`,
        schema.explain ?? schema.description,
      );
    default:
      return value(error.message ?? 'is not valid');
  }
}

const CHARACTERS: Readonly<Record<string, string>> = {
  ' ': 'a blank',
  '\t': 'a tab',
  '\n': 'a line break',
  '\r': 'a carriage return',
  '\0': 'a NUL character',
  '"': 'a double quote',
  "'": 'a single quote',
};

/** Which characters keep a text from fitting a pattern, as a clause; '' if none alone is to blame. */
function culprit(data: unknown, pattern: string): string {
  if (typeof data !== 'string') return '';
  const fits = new RegExp(pattern, 'u');
  const text = data.replaceAll('\r\n', '\n');
  const named = [...new Set(text)]
    .filter((character) => fits.test(text.replaceAll(character, '')))
    .map((character) => CHARACTERS[character] ?? JSON.stringify(character));
  return named.length === 0 ? '' : ` because of ${named.join(' and ')}`;
}

function alternatives(schema: TSchema): string {
  const branches = ((schema.anyOf ?? schema.oneOf) as TSchema[]).map(article);
  return [...new Set(branches)].join(' or ');
}

function article(schema: TSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return (schema.enum as unknown[]).map((one) => JSON.stringify(one)).join(' or ');
  switch (schema.type) {
    case 'integer':
      return 'a whole number';
    case 'number':
      return 'a number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return 'a map';
    case 'null':
      return 'nothing';
    default:
      return 'something else';
  }
}

/** The value as it was given, short. */
export function quoteBack(data: unknown): string {
  if (data === null) return 'nothing';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a map';
  const text = JSON.stringify(data) ?? String(data);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}
