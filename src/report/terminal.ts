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
