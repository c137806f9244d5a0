import { lines, sh } from '../shell/quote.ts';
import { defineProbe, present, unreadable } from './probe.ts';

/** Exit status of commands of the user's own that only look (`unless`). */
export const statusProbe = defineProbe<string, number>({
  name: 'status',
  key: (command) => command,
  script: (commands) =>
    lines(commands.map((command) => sh`timeout -k 2 20 sh -c ${command} >/dev/null 2>&1; echo $?`)),
  parse(output, commands) {
    const codes = output.toString().trim().split('\n').map(Number);
    return new Map(
      commands.map((command, index) => {
        const code = codes[index];
        if (code === undefined || Number.isNaN(code)) return [command, unreadable('the host gave no answer')];
        // 137: it did not end when it was asked to, and was killed
        const late = code === 124 || code === 137;
        return [command, late ? unreadable('it took longer than 20 s') : present(code)];
      }),
    );
  },
});
