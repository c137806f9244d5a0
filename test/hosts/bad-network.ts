import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Trouble {
  /** Milliseconds that every piece is under way, each way. */
  readonly delay?: number;
  /** Both ends are reset once this many bytes have gone that way over a connection: the first, or those told. */
  readonly reset?: {
    readonly way: 'to-host' | 'from-host';
    readonly after: number;
    readonly connections?: readonly number[];
  };
}

/** A network between the tool and a host's port 22. */
export interface BadNetwork {
  /** For the inventory's entry of the host. */
  readonly entry: { readonly address: string; readonly port: number };
  /** What is wrong with the connections from now on, the first of which is number 0 again. */
  next(trouble: Trouble): void;
  /** Bytes that went each way over each connection since `next`. */
  readonly bytes: readonly { 'to-host': number; 'from-host': number }[];
  stop(): void;
}

export async function startBadNetwork(ip: string): Promise<BadNetwork> {
  let trouble: Trouble = {};
  let bytes: { 'to-host': number; 'from-host': number }[] = [];
  const live = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: ip, port: 22, noDelay: true });
    const { delay = 0, reset } = trouble;
    const mine = { 'to-host': 0, 'from-host': 0 };
    const number = bytes.push(mine) - 1;
    const later = (act: () => void) => void (delay === 0 ? act() : setTimeout(act, delay));
    const pass = (from: Socket, to: Socket, way: 'to-host' | 'from-host') => {
      from.on('data', (piece) => {
        mine[way] += piece.length;
        const over =
          reset?.way === way && (reset.connections ?? [0]).includes(number)
            ? mine[way] - reset.after
            : Number.NaN;
        later(() => to.write(over > 0 ? piece.subarray(0, Math.max(0, piece.length - over)) : piece));
        if (over > 0) {
          // what went through before has to arrive: a reset throws away what is still to be sent
          from.pause();
          setTimeout(() => {
            near.resetAndDestroy();
            far.resetAndDestroy();
          }, delay + 20);
        }
      });
      from.on('end', () => later(() => to.end()));
      from.on('error', () => later(() => to.destroy()));
      from.on('close', () => live.delete(from));
      live.add(from);
    };
    pass(near, far, 'to-host');
    pass(far, near, 'from-host');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    entry: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    next(now) {
      trouble = now;
      bytes = [];
    },
    get bytes() {
      return bytes;
    },
    stop() {
      server.close();
      for (const socket of live) socket.destroy();
    },
  };
}
