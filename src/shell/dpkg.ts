import { raw } from './quote.ts';

/** A shell function: whether dpkg was cut off before its records were written to the end; apt refuses to do anything then. */
export const interrupted = raw(`interrupted() { ls /var/lib/dpkg/updates | grep -qE '^[0-9]+$'; }`);
