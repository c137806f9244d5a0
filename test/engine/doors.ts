import type { Doors } from '../../src/probes/doors.ts';
import { present } from '../../src/probes/probe.ts';

/** A host with these doors, and none but the usual if nothing is told. */
export const doors = (over: Partial<Doors> = {}) =>
  present<Doors>({ homes: [], parts: [], configs: [], links: new Map(), ...over });
