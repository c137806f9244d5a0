import { isatty } from 'node:tty';
import { failure, main } from './main.ts';

// a reader that went away (`| head`, a terminal that is closed) is no error: what is left to say is said to nobody, and
// the exit code stays
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '')) throw error;
  });
}
// Node aborts when it ends after its terminal was closed; other programs are ended by SIGHUP then
const terminals = [0, 1, 2].filter(isatty);
process.on('exit', () => {
  if (terminals.every(isatty)) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
});
process.on('uncaughtException', (error) => process.exit(failure(error)));

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
