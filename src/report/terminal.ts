import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** Writes text for people. Colour only where it is wanted and can be seen. */
export type Painter = (style: Style, text: string) => string;

export interface ColourChoice {
  /** `--no-color` was given. */
  readonly off: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
}

/** NO_COLOR and `--no-color` win, then FORCE_COLOR, then what the stream is. */
export function painter({ off, env, isTerminal }: ColourChoice): Painter {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const colour = !off && !env.NO_COLOR && (forced || (isTerminal && env.TERM !== 'dumb'));
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

/** Text from a host or a file with everything visible that could steer a terminal. Line ends stay. */
export function harmless(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same for text that has to stay on one line. */
export const oneLine = (text: string): string => harmless(text).replaceAll('\n', '\\n').replaceAll('\t', ' ');
