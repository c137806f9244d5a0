import { afterAll } from 'vitest';
import { takeWaits, type Waits } from './waits.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Of a test file, for the timetable. */
    waits?: Waits;
  }
}

// registered before those of the file itself, so it runs after them
// biome-ignore lint/correctness/noEmptyPattern: vitest hands over the file second, and wants a pattern before it
afterAll(({}, file) => {
  file.meta.waits = takeWaits();
});
