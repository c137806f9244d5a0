import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../src/transport/connect.ts';
import { type ServerOptions, startServer } from './server.ts';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** Logged in by the ssh of this machine, without its configuration. */
async function logIn(options: ServerOptions) {
  const server = await startServer(options);
  cleanup.push(server.stop);
  const sshBinary = join(server.dir, 'ssh');
  await writeFile(sshBinary, '#!/bin/sh\nexec ssh -F none "$@"\n');
  await chmod(sshBinary, 0o755);
  const transport = await connect(
    { ...server.target, connection: 'openssh', hostKey: server.hostKey },
    { ...server.options, sshBinary },
  );
  cleanup.push(() => transport.close());
  return transport;
}

test('a session that is refused says so, and one that is lost later is not taken for it', async () => {
  const transport = await logIn({
    refuseSessions: 1,
    onExec: (_channel, _command, connection) => connection.end(),
  });
  await expect(transport.run('exit 0')).rejects.toMatchObject({
    reason: 'refused',
    message: expect.stringMatching(/refused a further session on this connection .*script was not started/),
  });
  await expect(transport.run('exit 0')).rejects.toMatchObject({
    reason: 'lost',
    message: expect.stringMatching(/^The connection to web1 .* was lost .*whether it finished is not known/),
  });
  await expect(transport.run('exit 0')).rejects.toMatchObject({
    reason: 'lost',
    unsent: true,
    message: expect.stringMatching(/was lost .*The script was not started/),
  });
});

test('sessions at the same time: each ends as its own did', async () => {
  const transport = await logIn({ refuseSessions: 1 });
  const ends = await Promise.allSettled([transport.run('exit 3'), transport.run('exit 3')]);
  const how = ends.map((end) => (end.status === 'fulfilled' ? end.value.code : end.reason.reason));
  expect(how.sort()).toEqual([3, 'refused']);
});
