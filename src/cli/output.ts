/** What is printed goes to a full disk; a program that reads it must not take what is there for all. */
const UNWRITTEN = 74;
let unwritten: Error | undefined;

/** The exit code of a program that could have said all it had to say; it is another one where that was lost. */
export const exitCodeOf = (code: number): number => code || (unwritten ? UNWRITTEN : 0);

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

/** Lets a run go on where nothing can be printed. */
export function outliveOutput(): void {
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
}
