import { isatty } from 'node:tty';
import { failure, main } from './main.ts';

/** What is printed goes to a full disk; a program that reads it must not take what is there for all. */
const UNWRITTEN = 74;
let unwritten: Error | undefined;

/** Whatever cannot be said, a run on a host goes on, and its exit code says what became of it. */
function notWritten(error: NodeJS.ErrnoException): void {
  // a reader that went away (`| head`, a terminal that is closed) is no error: what is left to say is said to nobody
  if (['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '')) return;
  if (error.syscall !== 'write') throw error;
  if (unwritten) return;
  unwritten = error;
  process.exitCode ||= UNWRITTEN;
  process.stderr.write(
    `What harden prints could not be written (${error.message}), and is lost from here on. A run on a host goes on to its end all the same; harden check says where the hosts are.\n`,
  );
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', notWritten);
  // a file is written at once, and what fails then is thrown and not told
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    try {
      return write(...args);
    } catch (error) {
      notWritten(error as NodeJS.ErrnoException);
      return true;
    }
  };
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
  process.exitCode = code || (unwritten ? UNWRITTEN : 0);
});
