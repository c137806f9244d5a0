import { failure, main } from './main.ts';

// a reader that went away (`| head`) is no error: what is left to say is said to nobody, and the exit code stays
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!['EPIPE', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '')) throw error;
  });
}
process.on('uncaughtException', (error) => process.exit(failure(error)));

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
