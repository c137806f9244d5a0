import { $ as zx } from 'zx';
import { quote } from '../src/shell/quote.ts';

/** zx under sh, and quiet: bash reads the user's ~/.bashrc where standard input is a socket, as it is for children of Node. */
export const $ = zx({ shell: '/bin/sh', prefix: '', postfix: '', quote, quiet: true });
