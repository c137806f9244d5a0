import { constants } from 'node:os';

/** The number of a signal's name (`SIGKILL` is 9), as a shell adds it to 128; 0 for one unknown here. */
export function signalNumber(name: string): number {
  return (constants.signals as Readonly<Record<string, number | undefined>>)[name] ?? 0;
}
