import type { FileState } from '../../probes/file.ts';
import type { SetAttributes } from '../change.ts';

export interface Attributes {
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
}

/** Only the attributes that were asked for. */
export function ownership({ mode, owner, group }: Attributes): Attributes {
  return { ...(mode ? { mode } : {}), ...(owner ? { owner } : {}), ...(group ? { group } : {}) };
}

/** The change that brings mode, owner and group to what is wanted; undefined if they are. */
export function attributeDrift(state: FileState, wanted: Attributes): SetAttributes | undefined {
  const differs = (['mode', 'owner', 'group'] as const).filter(
    (name) => wanted[name] !== undefined && wanted[name] !== state[name],
  );
  if (differs.length === 0) return undefined;
  return {
    kind: 'set-attributes',
    path: state.realPath,
    ...Object.fromEntries(differs.map((name) => [name, wanted[name]])),
    summary: differs.map((name) => `${name} is ${state[name]}, wanted ${wanted[name]}`).join(', '),
  };
}

export const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

/** A file that decides what root does is root's, and written by root alone; who may read it stays as it is. */
export const exposure = (state: FileState): SetAttributes | undefined =>
  attributeDrift(state, { owner: 'root', mode: octal(Number.parseInt(state.mode, 8) & ~0o022) });

/** The mode with which its owner can read and write a file, and not everybody can write it; who else may stays as it is. */
export const usableMode = ({ mode }: FileState): string => octal((Number.parseInt(mode, 8) | 0o600) & ~0o002);
