import { isatty } from 'node:tty';
import { failure, main } from './main.ts';
import { exitCodeOf, outliveOutput } from './output.ts';

outliveOutput();
// Node aborts when it ends after its terminal was closed; other programs are ended by SIGHUP then
const terminals = [0, 1, 2].filter(isatty);
process.on('exit', () => {
  if (terminals.every(isatty)) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
});
process.on('uncaughtException', (error) => process.exit(failure(error)));

main(process.argv.slice(2)).then((code) => {
  process.exitCode = exitCodeOf(code);
});
