import { type TSchema, Type } from '@sinclair/typebox';

/** An absolute path on the host, in its one spelling: two tasks with one file would else look like two files. */
export const AbsolutePath = (description: string) =>
  Type.String({
    description,
    pattern: '^(?!.*/(/|\\.{1,2}(/|$)))/[^\\0\\n\\\\]*[^/\\0\\n\\\\ \\t]$',
    nameBytes: 255,
    maxLength: 4095,
    explain: 'an absolute path without //, /./, /../ or a backslash, and without / or a blank at its end',
  });

/** A command for a shell: one argument, which can neither be longer than 128 KiB nor hold NUL. */
export const ShellCommand = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 100_000, pattern: '^[^\\0]*$' });

export const Mode = Type.String({
  description: 'Permissions as four octal digits in quotes, for example "0644".',
  pattern: '^[0-7]{4}$',
});

export const Account = (what: string) =>
  Type.String({ description: what, pattern: '^[a-z_][a-z0-9_-]{0,31}\\$?$' });

/** One value or a list of them. */
export const OneOrMore = <T extends TSchema>(item: T, description: string) =>
  Type.Union([item, Type.Array(item, { minItems: 1, uniqueItems: true })], { description });

export const asList = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];
